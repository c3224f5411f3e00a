"""AssumeRole: the role's trust and the caller's permission, external id, durations, chaining."""

import uuid
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from broker.sandbox.process import Sandbox
from tests.integration.sandbox.caller import Caller, code_of, policy, text_of, trust_of

VENDOR, CUSTOMER = "300000000003", "300000000004"
EXTERNAL_ID = "f3b1c2d4-external"


@pytest.fixture(scope="module")
def broker(sandbox: Sandbox) -> Caller:
    """The vendor's own user, who may assume roles of one name and tag them."""
    limit = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"],
                "Resource": "arn:aws:iam::*:role/Managed-*",
            }
        ],
    }
    return Caller.owner(sandbox, sandbox.create_account(VENDOR, limit))


@pytest.fixture(scope="module")
def customer(sandbox: Sandbox) -> Caller:
    return Caller.owner(sandbox, sandbox.create_account(CUSTOMER))


MakeRole = Callable[..., str]


@pytest.fixture(scope="module")
def make_role(customer: Caller) -> MakeRole:
    iam = customer.client("iam")

    def make(trust: str, *, prefix: str = "Managed", inline: str = policy({}), **more: Any) -> str:
        name = f"{prefix}-{uuid.uuid4().hex[:12]}"
        role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust, **more)["Role"]
        iam.put_role_policy(RoleName=name, PolicyName="all", PolicyDocument=inline)
        return str(role["Arn"])

    return make


def test_credentials_land_in_the_roles_account(broker: Caller, make_role: MakeRole) -> None:
    """A session of a customer's role acts in the customer's account, under its name."""
    role = make_role(trust_of(VENDOR))
    identity = broker.assume(role, RoleSessionName="broker@test").client("sts")
    answer = identity.get_caller_identity()
    assert answer["Account"] == CUSTOMER
    name = role.rpartition("/")[2]
    assert answer["Arn"] == f"arn:aws:sts::{CUSTOMER}:assumed-role/{name}/broker@test"
    assert answer["UserId"].startswith("AROA")


@pytest.mark.parametrize(
    ("parameters", "allowed"),
    [
        ({"ExternalId": EXTERNAL_ID}, True),
        ({"ExternalId": EXTERNAL_ID.upper()}, False),
        ({"ExternalId": "another"}, False),
        ({}, False),
    ],
)
def test_external_id(
    parameters: dict[str, str], allowed: bool, broker: Caller, make_role: MakeRole
) -> None:
    """Without the account's own external id the management role is not to be had."""
    condition = {"StringEquals": {"sts:ExternalId": EXTERNAL_ID}}
    role = make_role(trust_of(VENDOR, Condition=condition))
    if allowed:
        broker.assume(role, **parameters)
        return
    with pytest.raises(ClientError) as caught:
        broker.assume(role, **parameters)
    assert code_of(caught.value) == "AccessDenied"
    assert text_of(caught.value) == (
        f"User: arn:aws:iam::{VENDOR}:user/broker is not authorized to perform: "
        f"sts:AssumeRole on resource: {role}"
    )


def test_missing_role_looks_like_a_denied_one(broker: Caller) -> None:
    """AWS does not tell the two apart."""
    role = f"arn:aws:iam::{CUSTOMER}:role/Managed-Missing"
    with pytest.raises(ClientError) as caught:
        broker.assume(role)
    assert text_of(caught.value).endswith(f"sts:AssumeRole on resource: {role}")


def test_missing_account_stays_missing(broker: Caller, sandbox: Sandbox) -> None:
    """Asking for a role of an account that does not exist does not make the account."""
    with pytest.raises(ClientError, match="AccessDenied"):
        broker.assume("arn:aws:iam::399999999999:role/Managed-X")
    with pytest.raises(Exception, match="There is no account 399999999999"):
        sandbox.deploy("399999999999", "Resources: {A: {Type: Custom::A}}")


def test_trust_is_not_enough(broker: Caller, make_role: MakeRole) -> None:
    """Across accounts the caller's own policies must allow it too."""
    role = make_role(trust_of(VENDOR), prefix="Other")
    with pytest.raises(ClientError, match="no identity-based policy allows the sts:AssumeRole"):
        broker.assume(role)


def test_permission_is_not_enough(broker: Caller, make_role: MakeRole) -> None:
    """Nor is the caller's permission without the role's trust."""
    with pytest.raises(ClientError, match="AccessDenied"):
        broker.assume(make_role(trust_of(CUSTOMER)))


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"DurationSeconds": 7200}, "exceeds the MaxSessionDuration set for this role"),
        ({"DurationSeconds": 899}, "durationSeconds"),
        ({"DurationSeconds": 43201}, "durationSeconds"),
        ({"RoleSessionName": "a b"}, "roleSessionName"),
        ({"ExternalId": "a b"}, "externalId"),
        ({"Policy": "{}"}, "MalformedPolicyDocument"),
        ({"Policy": policy({"Sid": "a" * 2048})}, "2048"),
    ],
)
def test_bad_parameter(
    parameters: dict[str, Any], message: str, broker: Caller, make_role: MakeRole
) -> None:
    """Durations, names and policies are checked as AWS checks them."""
    with pytest.raises(ClientError, match=message):
        broker.assume(make_role(trust_of(VENDOR)), **parameters)


def test_duration_up_to_the_roles_maximum(broker: Caller, make_role: MakeRole) -> None:
    """The expiry that is stated is the one that holds."""
    role = make_role(trust_of(VENDOR), MaxSessionDuration=7200)
    answer = broker.client("sts").assume_role(
        RoleArn=role, RoleSessionName="long", DurationSeconds=7200
    )
    issued = answer["ResponseMetadata"]["HTTPHeaders"]["date"]
    expiration = answer["Credentials"]["Expiration"]
    assert abs((expiration - parsedate_to_datetime(issued)).total_seconds() - 7200) <= 1


def test_chaining_is_limited_to_an_hour(broker: Caller, make_role: MakeRole) -> None:
    """A session that opens another gets one hour of it, whatever the role allows."""
    target = make_role(trust_of(CUSTOMER), MaxSessionDuration=43200)
    session = broker.assume(make_role(trust_of(VENDOR)))
    session.assume(target, DurationSeconds=3600)
    with pytest.raises(ClientError, match="1 hour session limit"):
        session.assume(target, DurationSeconds=3601)


def test_source_identity_survives_chaining(broker: Caller, make_role: MakeRole) -> None:
    """It cannot be changed, and the next role must accept it."""
    condition = {"StringEquals": {"sts:SourceIdentity": "engineer"}}
    target = make_role(trust_of(CUSTOMER, Condition=condition))
    session = broker.assume(make_role(trust_of(VENDOR)), SourceIdentity="engineer")
    session.assume(target)
    with pytest.raises(ClientError, match="AccessDenied"):
        session.assume(target, SourceIdentity="somebody")


def test_tags_need_trust_for_tagging(broker: Caller, make_role: MakeRole) -> None:
    """A trust policy that does not name sts:TagSession admits no session tags."""
    role = make_role(trust_of(VENDOR, Action="sts:AssumeRole"))
    broker.assume(role)
    with pytest.raises(ClientError, match="AccessDenied"):
        broker.assume(role, Tags=[{"Key": "Ticket", "Value": "T-1"}])
