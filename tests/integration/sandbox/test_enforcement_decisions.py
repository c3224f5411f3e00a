"""What a caller may do: identity policies, boundary, session policy and Deny, over real HTTP."""

import json
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from broker.sandbox.process import Sandbox
from tests.integration.sandbox.caller import Caller, code_of, policy, text_of, trust_of

ACCOUNT = "300000000002"
READ_ONLY = "arn:aws:iam::aws:policy/ReadOnlyAccess"
SUPPORT = "arn:aws:iam::aws:policy/AWSSupportAccess"
ADMIN = "arn:aws:iam::aws:policy/AdministratorAccess"


@pytest.fixture(scope="module")
def owner(sandbox: Sandbox) -> Caller:
    return Caller.owner(sandbox, sandbox.create_account(ACCOUNT))


@pytest.fixture(scope="module")
def iam(owner: Caller) -> Any:
    return owner.client("iam")


MakeRole = Callable[..., str]


@pytest.fixture(scope="module")
def make_role(iam: Any) -> MakeRole:
    """Makes a role with these policies; returns its ARN."""

    def make(
        *, inline: str | None = None, managed: tuple[str, ...] = (), boundary: str | None = None
    ) -> str:
        name = f"Role-{uuid.uuid4().hex[:12]}"
        limit = {"PermissionsBoundary": boundary} if boundary else {}
        role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust_of(ACCOUNT), **limit)[
            "Role"
        ]
        if inline:
            iam.put_role_policy(RoleName=name, PolicyName="inline", PolicyDocument=inline)
        for arn in managed:
            iam.attach_role_policy(RoleName=name, PolicyArn=arn)
        return str(role["Arn"])

    return make


@pytest.fixture(scope="module")
def bucket(owner: Caller) -> str:
    """A bucket of the customer's with an object in it."""
    s3 = owner.client("s3")
    s3.create_bucket(Bucket="customer-data")
    s3.put_object(Bucket="customer-data", Key="folder/a b.txt", Body=b"customer data")
    return "customer-data"


def refused(call: Callable[[], Any]) -> ClientError:
    with pytest.raises(ClientError) as caught:
        call()
    assert code_of(caught.value) in ("AccessDenied", "AccessDeniedException", "403")
    return caught.value


def test_read_only_role_cannot_write(owner: Caller, make_role: MakeRole, bucket: str) -> None:
    """ReadOnlyAccess reads, and no write passes; the text is AWS's."""
    session = owner.assume(make_role(managed=(READ_ONLY,)))
    s3 = session.client("s3")
    assert [each["Name"] for each in s3.list_buckets()["Buckets"]] == [bucket]
    assert s3.get_object(Bucket=bucket, Key="folder/a b.txt")["Body"].read() == b"customer data"
    error = refused(lambda: s3.create_bucket(Bucket="new-bucket"))
    arn = session.client("sts").get_caller_identity()["Arn"]
    assert text_of(error) == (
        f"User: {arn} is not authorized to perform: s3:CreateBucket on resource: "
        "arn:aws:s3:::new-bucket because no identity-based policy allows the "
        "s3:CreateBucket action"
    )
    refused(lambda: session.client("iam").create_user(UserName="mallory"))
    assert "mallory" not in str(owner.client("iam").list_users())


def test_boundary_limits_the_inline_policy(owner: Caller, make_role: MakeRole, bucket: str) -> None:
    """A role that allows itself everything cannot exceed its boundary."""
    session = owner.assume(make_role(inline=policy({}), boundary=READ_ONLY))
    session.client("s3").list_objects_v2(Bucket=bucket)
    error = refused(lambda: session.client("s3").delete_bucket(Bucket=bucket))
    assert "because no permissions boundary allows the s3:DeleteBucket action" in text_of(error)
    error = refused(
        lambda: session.client("support").create_case(subject="s", communicationBody="b")
    )
    assert "support:CreateCase" in text_of(error)


def test_boundary_allows_nothing_by_itself(owner: Caller, make_role: MakeRole) -> None:
    """A boundary is a limit, not a permission."""
    session = owner.assume(make_role(boundary=ADMIN))
    error = refused(lambda: session.client("s3").list_buckets())
    assert "because no identity-based policy allows" in text_of(error)


def test_support_role_does_support_only(owner: Caller, make_role: MakeRole) -> None:
    """The case role raises cases and can do nothing else."""
    session = owner.assume(make_role(managed=(SUPPORT,), boundary=SUPPORT))
    case = session.client("support").create_case(subject="s", communicationBody="b")
    assert case["caseId"]
    refused(lambda: session.client("s3").list_buckets())
    refused(lambda: session.client("kms").list_keys())
    refused(lambda: session.client("iam").list_roles())


def test_session_policy_narrows(owner: Caller, make_role: MakeRole) -> None:
    """A session narrowed to EC2 cannot list buckets, whatever its role may."""
    role = make_role(managed=(READ_ONLY,))
    narrow = owner.assume(role, Policy=policy({"Action": "ec2:*"}))
    narrow.client("ec2").describe_instances()
    error = refused(lambda: narrow.client("s3").list_buckets())
    assert "because no session policy allows the s3:ListAllMyBuckets action" in text_of(error)
    with pytest.raises(ClientError, match="UnauthorizedOperation"):
        narrow.client("ec2").run_instances(MinCount=1, MaxCount=1, ImageId="ami-1")
    wide = owner.assume(role)
    wide.client("s3").list_buckets()


def test_managed_session_policy_narrows(owner: Caller, make_role: MakeRole) -> None:
    """So does one that is named by its ARN."""
    session = owner.assume(make_role(managed=(ADMIN,)), PolicyArns=[{"arn": SUPPORT}])
    session.client("support").describe_cases()
    refused(lambda: session.client("s3").list_buckets())


def test_deny_by_issue_time_kills_live_sessions(
    owner: Caller, iam: Any, make_role: MakeRole
) -> None:
    """Revocation of all sessions: those of before die, those of after live."""
    role = make_role(managed=(READ_ONLY,))
    before = owner.assume(role)
    before.client("s3").list_buckets()
    issued_before = (datetime.now(UTC) + timedelta(seconds=1)).isoformat()
    condition = {"DateLessThan": {"aws:TokenIssueTime": issued_before}}
    revocation = policy({"Effect": "Deny", "Condition": condition})
    name = role.rpartition("/")[2]
    iam.put_role_policy(RoleName=name, PolicyName="revoke", PolicyDocument=revocation)
    error = refused(lambda: before.client("s3").list_buckets())
    assert "with an explicit deny in an identity-based policy" in text_of(error)
    owner.sandbox.set_clock(10)
    try:
        owner.assume(role).client("s3").list_buckets()
    finally:
        owner.sandbox.set_clock(0)


def test_deny_by_session_tag_kills_one_session(
    owner: Caller, iam: Any, make_role: MakeRole
) -> None:
    """Revocation of one session leaves the others alone."""
    role = make_role(managed=(READ_ONLY,))
    first, second = (
        owner.assume(role, Tags=[{"Key": "Session", "Value": value}]) for value in ("s-1", "s-2")
    )
    condition = {"StringEquals": {"aws:PrincipalTag/Session": ["s-1"]}}
    revocation = policy({"Effect": "Deny", "Condition": condition})
    name = role.rpartition("/")[2]
    iam.put_role_policy(RoleName=name, PolicyName="revoke", PolicyDocument=revocation)
    refused(lambda: first.client("s3").list_buckets())
    second.client("s3").list_buckets()


def test_identity_needs_no_permission(owner: Caller, make_role: MakeRole) -> None:
    """GetCallerIdentity answers even a session that is denied everything."""
    session = owner.assume(make_role(inline=policy({"Effect": "Deny"})))
    identity = session.client("sts").get_caller_identity()
    assert identity["Account"] == ACCOUNT
    assert identity["Arn"].endswith("/test")
    refused(lambda: session.client("iam").list_roles())


MANAGEMENT = policy(
    {
        "Action": ["iam:CreateRole", "iam:PutRolePolicy", "iam:AttachRolePolicy"],
        "Resource": f"arn:aws:iam::{ACCOUNT}:role/Acme-Support*",
        "Condition": {"StringEquals": {"iam:PermissionsBoundary": [READ_ONLY, SUPPORT]}},
    },
    {
        "Action": ["iam:GetRole"],
        "Resource": f"arn:aws:iam::{ACCOUNT}:role/Acme-Support*",
    },
    {
        "Action": ["iam:CreateOpenIDConnectProvider", "iam:DeleteOpenIDConnectProvider"],
        "Resource": f"arn:aws:iam::{ACCOUNT}:oidc-provider/broker.example.test/*",
    },
)


@pytest.fixture(scope="module")
def management(owner: Caller, make_role: MakeRole) -> Any:
    """The IAM client of a role that is limited like the template's management role."""
    return owner.assume(make_role(inline=MANAGEMENT)).client("iam")


@pytest.mark.parametrize(
    ("name", "boundary", "allowed"),
    [
        ("Acme-Support-ReadOnly", READ_ONLY, True),
        ("Acme-Support-Cases", SUPPORT, True),
        ("Acme-Support-None", None, False),
        ("Acme-Support-Admin", ADMIN, False),
        ("Acme-Other", READ_ONLY, False),
    ],
)
def test_management_role_creates(
    management: Any, iam: Any, name: str, boundary: str | None, allowed: bool
) -> None:
    """It creates roles of its prefix under one of the two boundaries, and no others."""
    limit = {"PermissionsBoundary": boundary} if boundary else {}

    def create() -> None:
        management.create_role(RoleName=name, AssumeRolePolicyDocument=trust_of(ACCOUNT), **limit)

    if not allowed:
        refused(create)
        assert name not in str(iam.list_roles())
        return
    create()
    management.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=policy({}))
    management.attach_role_policy(RoleName=name, PolicyArn=READ_ONLY)
    management.get_role(RoleName=name)


def test_management_role_cannot_touch_an_unbounded_role(management: Any, iam: Any) -> None:
    """The boundary of the role as it stands decides, not what the caller says."""
    name = "Acme-Support-Unbounded"
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust_of(ACCOUNT))
    refused(
        lambda: management.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=policy({}))
    )
    refused(lambda: management.attach_role_policy(RoleName=name, PolicyArn=READ_ONLY))


def test_management_role_cannot_drop_the_boundary(management: Any, iam: Any) -> None:
    """What would take the limit away is not allowed to it."""
    name = "Acme-Support-Bounded"
    iam.create_role(
        RoleName=name, AssumeRolePolicyDocument=trust_of(ACCOUNT), PermissionsBoundary=READ_ONLY
    )
    refused(lambda: management.delete_role_permissions_boundary(RoleName=name))
    refused(
        lambda: management.put_role_permissions_boundary(RoleName=name, PermissionsBoundary=ADMIN)
    )


def test_tags_at_creation_need_their_own_permission(management: Any) -> None:
    """CreateRole with tags asks for iam:TagRole too."""
    error = refused(
        lambda: management.create_role(
            RoleName="Acme-Support-Tagged",
            AssumeRolePolicyDocument=trust_of(ACCOUNT),
            PermissionsBoundary=READ_ONLY,
            Tags=[{"Key": "a", "Value": "b"}],
        )
    )
    assert "iam:TagRole" in text_of(error)


def test_provider_of_another_host(management: Any) -> None:
    """Identity providers under the broker's own host only."""
    thumbprint = ["a" * 40]
    made = management.create_open_id_connect_provider(
        Url="https://broker.example.test/oidc/x", ThumbprintList=thumbprint
    )
    refused(
        lambda: management.create_open_id_connect_provider(
            Url="https://mallory.example.test/oidc/x", ThumbprintList=thumbprint
        )
    )
    management.delete_open_id_connect_provider(
        OpenIDConnectProviderArn=made["OpenIDConnectProviderArn"]
    )


def test_resource_of_s3(owner: Caller, make_role: MakeRole, bucket: str) -> None:
    """Bucket and object are different resources, and listing is another action than reading."""
    objects = policy({"Action": "s3:*", "Resource": f"arn:aws:s3:::{bucket}/folder/*"})
    s3 = owner.assume(make_role(inline=objects)).client("s3")
    assert s3.get_object(Bucket=bucket, Key="folder/a b.txt")["ContentLength"] == 13
    s3.copy_object(Bucket=bucket, Key="folder/c", CopySource=f"{bucket}/folder/a b.txt")
    refused(lambda: s3.list_objects_v2(Bucket=bucket))
    refused(lambda: s3.head_bucket(Bucket=bucket))
    refused(lambda: s3.get_object(Bucket=bucket, Key="other"))
    refused(lambda: s3.copy_object(Bucket=bucket, Key="other", CopySource=f"{bucket}/folder/c"))
    refused(lambda: s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "folder/c"}]}))


def test_copying_needs_the_right_to_read(owner: Caller, make_role: MakeRole, bucket: str) -> None:
    """A role that may only write cannot read by copying."""
    writes = policy({"Action": "s3:PutObject"})
    s3 = owner.assume(make_role(inline=writes)).client("s3")
    error = refused(
        lambda: s3.copy_object(Bucket=bucket, Key="stolen", CopySource=f"{bucket}/folder/a b.txt")
    )
    assert "s3:GetObject" in text_of(error)


def test_operation_hidden_in_a_body(owner: Caller, make_role: MakeRole) -> None:
    """moto reads a form out of a JSON body; what it then would do was never allowed."""
    session = owner.assume(make_role(inline=policy({"Action": "kms:ListKeys"})))
    kms = session.client("kms")
    kms.list_keys()
    with pytest.raises(ClientError) as caught:
        kms.list_keys(Marker="x&Action=CreateKey&y=z")
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
    assert not owner.client("kms").list_keys()["Keys"]


def test_broken_policy_cannot_be_written(iam: Any, make_role: MakeRole) -> None:
    """A malformed document is refused when it is written, so none can be attached."""
    name = make_role(managed=(READ_ONLY,)).rpartition("/")[2]
    wrong = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Deny"}]})
    with pytest.raises(ClientError, match="MalformedPolicyDocument"):
        iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=wrong)
