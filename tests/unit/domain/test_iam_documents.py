"""The documents fit AWS's limits and say what the promises need."""

from __future__ import annotations

import json

import pytest

from broker.domain.accounts import Payer, Profile
from broker.domain.iam_documents import (
    SESSION_POLICY_LIMIT,
    TRUST_POLICY_LIMIT,
    SessionPolicyTooLargeError,
    compact,
    denied_reads,
    session_policy,
    trust_policy,
)
from broker.domain.identifiers import ServiceName
from broker.domain.role_plan import RolePolicy, wanted_in
from broker.domain.sessions import LONGEST_OF_AWS
from tests.unit.domain.making import ISSUER, NOW, account

PREFIX = ISSUER.removeprefix("https://")
POLICY = RolePolicy(
    name_prefix="Acme", longest_session=LONGEST_OF_AWS, pinned_partitions=frozenset({"aws"})
)


def test_the_trust_policy_demands_the_ticket():
    """Exact strings for audience and subject; presence of ticket, session and source identity."""
    document = trust_policy(
        issuer=ISSUER, provider_arn="arn:provider", subject="support:111122223333", pinned=True
    )
    exchange, attributes = document["Statement"]
    assert exchange["Action"] == "sts:AssumeRoleWithWebIdentity"
    assert exchange["Principal"] == {"Federated": "arn:provider"}
    assert exchange["Condition"] == {
        "StringEquals": {
            f"{PREFIX}:aud": "sts.amazonaws.com",
            f"{PREFIX}:sub": "support:111122223333",
        },
        "StringLike": {
            "sts:SourceIdentity": "?*",
            "aws:RequestTag/Ticket": "?*",
            "aws:RequestTag/Session": "?*",
        },
        "Bool": {"sts:RoleAuthorizedByIdp": "true"},
    }
    assert attributes["Action"] == ["sts:SetSourceIdentity", "sts:TagSession"]
    assert attributes["Condition"] == {"StringEquals": {f"{PREFIX}:aud": "sts.amazonaws.com"}}


def test_pinning_is_left_out_where_it_is_not_known():
    """Another partition may not know the key, and an unknown key would refuse everybody."""
    document = trust_policy(issuer=ISSUER, provider_arn="arn:p", subject="s", pinned=False)
    assert "Bool" not in document["Statement"][0]["Condition"]


def test_the_longest_trust_policy_fits():
    """With the longest issuer URL that settings allow it is within the quota."""
    issuer = "https://" + "h" * 209 + "/oidc/" + "0" * 32
    assert len(issuer) == 255
    document = trust_policy(
        issuer=issuer,
        provider_arn=f"arn:aws-us-gov:iam::111122223333:oidc-provider/{issuer[8:]}",
        subject="support:111122223333",
        pinned=True,
    )
    assert len(compact(document)) <= TRUST_POLICY_LIMIT


@pytest.mark.parametrize("profile", Profile)
def test_secrets_are_denied_in_every_profile(profile):
    """What hands out secrets or credentials is denied whatever the profile."""
    denied = denied_reads(profile, partition="aws")["Statement"][0]
    assert denied["Effect"] == "Deny"
    assert {
        "secretsmanager:GetSecretValue",
        "kms:Decrypt",
        "ssm:GetParameter",
        "cognito-identity:GetCredentialsForIdentity",
    } <= set(denied["Action"])


def test_customer_data_is_denied_under_metadata_only():
    """`full` reads data, `metadata` never does."""
    metadata = set(denied_reads(Profile.METADATA, partition="aws")["Statement"][0]["Action"])
    full = set(denied_reads(Profile.FULL, partition="aws")["Statement"][0]["Action"])
    assert {"s3:GetObject*", "dynamodb:Scan", "logs:GetLogEvents"} <= metadata - full


def test_session_policies_narrow_and_fit():
    """Named services and nothing else; past AWS's limit a clear refusal."""
    text = session_policy([ServiceName("s3"), ServiceName("ec2"), ServiceName("s3")])
    assert json.loads(text)["Statement"] == [
        {"Effect": "Allow", "Action": ["ec2:*", "s3:*"], "Resource": "*"}
    ]
    assert session_policy([]) is None
    many = [ServiceName(f"service-{number}") for number in range(200)]
    with pytest.raises(SessionPolicyTooLargeError, match="Name fewer services"):
        session_policy(many)
    fitting = max(count for count in range(1, 200) if _fits([*many[:count]]))
    assert len(session_policy(many[:fitting])) <= SESSION_POLICY_LIMIT


def _fits(services):
    try:
        session_policy(services)
    except SessionPolicyTooLargeError:
        return False
    return True


@pytest.mark.parametrize("partition", ["aws", "aws-cn", "aws-us-gov"])
@pytest.mark.parametrize("profile", Profile)
@pytest.mark.parametrize("payer", Payer)
def test_roles_stay_within_iams_limits(partition, profile, payer):
    """Ten managed policies, 10,240 characters inline, ARNs of the account's own partition."""
    wanted = wanted_in(account(partition=partition, profile=profile, payer=payer), POLICY, now=NOW)
    for role in wanted.roles:
        assert len(role.managed_policies) <= 10
        assert sum(len(compact(doc)) for doc in role.inline_policies.values()) <= 10_240
        for arn in (role.arn, role.boundary, *role.managed_policies, wanted.provider.arn):
            assert arn.startswith(f"arn:{partition}:iam::")


def test_the_boundaries_are_awss_own():
    """The cap of each role is one of the two policies that the customer's stack allows."""
    read, case = wanted_in(account(), POLICY, now=NOW).roles
    assert read.boundary == "arn:aws:iam::aws:policy/ReadOnlyAccess"
    assert case.boundary == "arn:aws:iam::aws:policy/AWSSupportAccess"
    assert case.managed_policies == frozenset()
