"""What the credentials of a web identity are good for: the role, narrowed by session policies."""

import json
from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from broker.sandbox.process import Sandbox
from tests.integration.sandbox.observed.stage import SESSION_NAME, Stage
from tests.integration.sandbox.trusting_account import Attempt, TrustingAccount

LISTING = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Action": ["iam:ListRoles", "iam:ListUsers"], "Resource": "*"}
    ],
}
ROLES_ONLY = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "iam:ListRoles", "Resource": "*"}],
}
EVERYTHING = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}],
}

ClientOf = Callable[..., Any]


@pytest.fixture
def client_of(sandbox: Sandbox, stage: Stage) -> ClientOf:
    """From a service and parameters of the exchange to a client with the session's credentials."""
    account = TrustingAccount.set_up(stage)
    role_name = account.scenery.role.rpartition("/")[2]
    stage.iam.put_role_policy(
        RoleName=role_name, PolicyName="listing", PolicyDocument=json.dumps(LISTING)
    )

    def client(service: str, **parameters: Any) -> Any:
        credentials = account.assume(Attempt(parameters=parameters))["Credentials"]
        return boto3.Session(region_name="us-east-1").client(
            service,
            endpoint_url=sandbox.url,
            aws_access_key_id=credentials["AccessKeyId"],
            aws_secret_access_key=credentials["SecretAccessKey"],
            aws_session_token=credentials["SessionToken"],
            config=Config(retries={"total_max_attempts": 1}),
        )

    return client


def assert_denied(call: Callable[[], object]) -> None:
    with pytest.raises(ClientError) as refusal:
        call()
    assert refusal.value.response["Error"]["Code"] == "AccessDenied"


def test_credentials_act_as_the_role(client_of: ClientOf, stage: Stage) -> None:
    """In the role's account, under the session's name, and no further than the role goes."""
    identity = client_of("sts").get_caller_identity()
    assert identity["Account"] == stage.account_id
    assert identity["Arn"].endswith(f"/{SESSION_NAME}")
    iam = client_of("iam")
    assert iam.list_roles()["Roles"]
    assert "Users" in iam.list_users()
    assert_denied(iam.list_policies)


def test_inline_session_policy_narrows(client_of: ClientOf) -> None:
    iam = client_of("iam", Policy=json.dumps(ROLES_ONLY))
    assert iam.list_roles()["Roles"]
    assert_denied(iam.list_users)


def test_managed_session_policy_narrows(client_of: ClientOf) -> None:
    """AWS's policy for reading S3 lets nothing through that concerns IAM."""
    arn = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"
    assert_denied(client_of("iam", PolicyArns=[{"arn": arn}]).list_roles)


def test_session_policies_add_up_among_themselves(client_of: ClientOf) -> None:
    arn = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"
    iam = client_of("iam", Policy=json.dumps(ROLES_ONLY), PolicyArns=[{"arn": arn}])
    assert iam.list_roles()["Roles"]
    assert_denied(iam.list_users)


def test_session_policy_never_widens(client_of: ClientOf) -> None:
    assert_denied(client_of("iam", Policy=json.dumps(EVERYTHING)).list_policies)
