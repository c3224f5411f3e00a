"""The real AWS CLI, which must show each decision as it would AWS's."""

from pathlib import Path

import pytest

from broker.sandbox.process import Sandbox
from tests.integration.sandbox.caller import Caller, trust_of

ACCOUNT = "300000000005"
READ_ONLY = "arn:aws:iam::aws:policy/ReadOnlyAccess"
SUPPORT = "arn:aws:iam::aws:policy/AWSSupportAccess"


@pytest.fixture(scope="module")
def owner(sandbox: Sandbox) -> Caller:
    """The customer, who has a bucket with an object in it."""
    owner = Caller.owner(sandbox, sandbox.create_account(ACCOUNT))
    owner.client("s3").create_bucket(Bucket="cli-bucket")
    owner.client("s3").put_object(Bucket="cli-bucket", Key="object", Body=b"customer data")
    return owner


def session_of(owner: Caller, name: str, policy_arn: str) -> Caller:
    iam = owner.client("iam")
    role = iam.create_role(
        RoleName=name, AssumeRolePolicyDocument=trust_of(ACCOUNT), PermissionsBoundary=policy_arn
    )["Role"]
    iam.attach_role_policy(RoleName=name, PolicyArn=policy_arn)
    return owner.assume(role["Arn"], RoleSessionName="cli")


@pytest.fixture(scope="module")
def reader(owner: Caller) -> Caller:
    return session_of(owner, "Reader", READ_ONLY)


@pytest.fixture(scope="module")
def case_raiser(owner: Caller) -> Caller:
    return session_of(owner, "Cases", SUPPORT)


CREATE_CASE = ["support", "create-case", "--subject", "s", "--communication-body", "b"]
UPLOAD = ["s3", "cp", "{file}", "s3://cli-bucket/upload"]
DOWNLOAD = ["s3", "cp", "s3://cli-bucket/object", "-"]


@pytest.mark.parametrize(
    ("command", "shown"),
    [
        (["sts", "get-caller-identity"], ":assumed-role/Reader/cli"),
        (["iam", "list-roles"], f"arn:aws:iam::{ACCOUNT}:role/Reader"),
        (["s3", "ls"], "cli-bucket"),
        (["s3", "ls", "s3://cli-bucket"], "object"),
        (DOWNLOAD, "customer data"),
        (["ec2", "describe-instances"], '"Reservations"'),
        (["kms", "list-keys"], '"Keys"'),
        (["lambda", "list-functions"], '"Functions"'),
        (["dynamodb", "list-tables"], '"TableNames"'),
        (["logs", "describe-log-groups"], '"logGroups"'),
    ],
)
def test_reader_reads(command: list[str], shown: str, reader: Caller) -> None:
    """What ReadOnlyAccess allows works."""
    done = reader.aws(*command)
    assert done.returncode == 0, done.stderr
    assert shown in done.stdout


@pytest.mark.parametrize(
    ("command", "code", "action"),
    [
        (["s3", "mb", "s3://new-bucket"], "AccessDenied", "s3:CreateBucket"),
        (UPLOAD, "AccessDenied", "s3:PutObject"),
        (["s3", "rm", "s3://cli-bucket/object"], "AccessDenied", "s3:DeleteObject"),
        (["s3", "rb", "s3://cli-bucket"], "AccessDenied", "s3:DeleteBucket"),
        (["iam", "create-user", "--user-name", "x"], "AccessDenied", "iam:CreateUser"),
        (["iam", "delete-role", "--role-name", "Reader"], "AccessDenied", "iam:DeleteRole"),
        (
            ["ec2", "run-instances", "--image-id", "ami-1"],
            "UnauthorizedOperation",
            "ec2:RunInstances",
        ),
        (["kms", "create-key"], "AccessDeniedException", "kms:CreateKey"),
        (
            ["secretsmanager", "get-secret-value", "--secret-id", "x"],
            "AccessDeniedException",
            "secretsmanager:GetSecretValue",
        ),
        (
            ["lambda", "delete-function", "--function-name", "f"],
            "AccessDeniedException",
            "lambda:DeleteFunction",
        ),
        (CREATE_CASE, "AccessDeniedException", "support:CreateCase"),
    ],
)
def test_reader_cannot_write(
    command: list[str], code: str, action: str, reader: Caller, owner: Caller, tmp_path: Path
) -> None:
    """Every write fails with the protocol's own code and AWS's sentence."""
    upload = tmp_path / "file"
    upload.write_text("content")
    done = reader.aws(*(word.format(file=upload) for word in command))
    assert done.returncode != 0
    assert f"({code})" in done.stderr
    assert f"is not authorized to perform: {action}" in done.stderr
    assert f"because no identity-based policy allows the {action} action" in done.stderr
    listed = owner.client("s3").list_objects_v2(Bucket="cli-bucket")["Contents"]
    assert [each["Key"] for each in listed] == ["object"]


def test_case_role_raises_cases(case_raiser: Caller) -> None:
    """The case role's session can open a case and see it."""
    done = case_raiser.aws(*CREATE_CASE)
    assert done.returncode == 0, done.stderr
    assert "caseId" in done.stdout
    assert case_raiser.aws("support", "describe-cases").returncode == 0


@pytest.mark.parametrize(
    "command",
    [
        ["s3", "ls"],
        ["iam", "list-roles"],
        ["ec2", "describe-instances"],
        ["kms", "list-keys"],
        ["s3api", "head-object", "--bucket", "cli-bucket", "--key", "object"],
    ],
)
def test_case_role_does_nothing_else(command: list[str], case_raiser: Caller) -> None:
    """It has no other permission, not even to read."""
    done = case_raiser.aws(*command)
    assert done.returncode != 0
    assert "not authorized" in done.stderr or "(403)" in done.stderr


def test_operation_that_the_sandbox_lacks(owner: Caller) -> None:
    """It says so plainly, and is no crash."""
    done = owner.aws("cloudtrail", "list-channels")
    assert "(InvalidAction)" in done.stderr
