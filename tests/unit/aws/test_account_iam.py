"""The customer's IAM: a step that is done already is no failure, anything else is."""

from __future__ import annotations

import json
from datetime import timedelta

import boto3
import pytest
from botocore.stub import ANY, Stubber

from broker.aws.account_iam import IamOfAccount
from broker.domain.role_plan import RolePolicy, wanted_in
from broker.domain.steps import (
    AddClientId,
    AttachPolicy,
    CreateProvider,
    CreateRole,
    DeleteInlinePolicy,
    DeleteProvider,
    DeleteRole,
    DetachPolicy,
    PutInlinePolicy,
    RemoveClientId,
    SetBoundary,
    SetLongestSession,
    SetThumbprints,
    SetTrustPolicy,
    TagProvider,
    TagRole,
)
from broker.errors import DependencyUnavailable, UpstreamRejected
from tests.unit.domain.making import NOW, account

WANTED = wanted_in(
    account(),
    RolePolicy(
        name_prefix="Acme",
        longest_session=timedelta(hours=4),
        pinned_partitions=frozenset({"aws"}),
    ),
    now=NOW,
)
PROVIDER, ROLE = WANTED.provider, WANTED.roles[0]
POLICY = "arn:aws:iam::aws:policy/SecurityAudit"
NAME, ARN = ROLE.name, PROVIDER.arn
STEPS = {
    "create_open_id_connect_provider": CreateProvider(provider=PROVIDER, why="w"),
    "add_client_id_to_open_id_connect_provider": AddClientId(
        provider_arn=ARN, client_id="c", why="w"
    ),
    "remove_client_id_from_open_id_connect_provider": RemoveClientId(
        provider_arn=ARN, client_id="c", why="w"
    ),
    "update_open_id_connect_provider_thumbprint": SetThumbprints(
        provider_arn=ARN, thumbprints=frozenset({"a" * 40}), why="w"
    ),
    "tag_open_id_connect_provider": TagProvider(provider_arn=ARN, tags={"a": "b"}, why="w"),
    "delete_open_id_connect_provider": DeleteProvider(provider_arn=ARN, why="w"),
    "create_role": CreateRole(role=ROLE, why="w"),
    "put_role_permissions_boundary": SetBoundary(role_name=NAME, boundary=ROLE.boundary, why="w"),
    "update_assume_role_policy": SetTrustPolicy(role_name=NAME, trust=ROLE.trust, why="w"),
    "update_role": SetLongestSession(
        role_name=NAME, description="d", longest_session=ROLE.longest_session, why="w"
    ),
    "tag_role": TagRole(role_name=NAME, tags={"a": "b"}, why="w"),
    "put_role_policy": PutInlinePolicy(
        role_name=NAME, policy_name="DeniedReads", document={"Statement": []}, why="w"
    ),
    "delete_role_policy": DeleteInlinePolicy(role_name=NAME, policy_name="Extra", why="w"),
    "attach_role_policy": AttachPolicy(role_name=NAME, policy_arn=POLICY, why="w"),
    "detach_role_policy": DetachPolicy(role_name=NAME, policy_arn=POLICY, why="w"),
    "delete_role": DeleteRole(role_name=NAME, why="w"),
}
DONE_ALREADY = {
    "create_open_id_connect_provider": "EntityAlreadyExists",
    "create_role": "EntityAlreadyExists",
    "remove_client_id_from_open_id_connect_provider": "NoSuchEntity",
    "delete_role_policy": "NoSuchEntity",
    "detach_role_policy": "NoSuchEntity",
    "delete_role": "NoSuchEntity",
    "delete_open_id_connect_provider": "NoSuchEntity",
}


@pytest.fixture
def iam():
    client = boto3.client(
        "iam", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x"
    )
    with Stubber(client) as stubber:
        yield IamOfAccount(client), stubber


@pytest.mark.parametrize(("call", "code"), DONE_ALREADY.items())
def test_what_is_done_already_is_done(iam, call, code):
    """A crash between the call and its entry in the ledger must not stop the next pass."""
    account_iam, stubber = iam
    stubber.add_client_error(call, code, "m", 409)
    account_iam.apply(STEPS[call])
    stubber.assert_no_pending_responses()


@pytest.mark.parametrize("call", STEPS)
def test_a_missing_permission_is_told_without_an_arn(iam, call):
    """The sentence is for the customer; the ARN stays in the log's cause."""
    account_iam, stubber = iam
    stubber.add_client_error(call, "AccessDenied", "User: arn:aws:sts::1:x is not", 403)
    with pytest.raises(UpstreamRejected, match="Update the stack") as caught:
        account_iam.apply(STEPS[call])
    assert "arn:" not in str(caught.value)


@pytest.mark.parametrize("call", sorted(set(STEPS) - set(DONE_ALREADY)))
def test_a_role_that_vanished_is_a_failure(iam, call):
    """Setting something on a role that is gone did not happen."""
    account_iam, stubber = iam
    stubber.add_client_error(call, "NoSuchEntity", "m", 404)
    with pytest.raises(UpstreamRejected):
        account_iam.apply(STEPS[call])


def test_throttling_is_unavailability(iam):
    """The next pass may succeed."""
    account_iam, stubber = iam
    stubber.add_client_error("update_role", "Throttling", "m", 400)
    with pytest.raises(DependencyUnavailable):
        account_iam.apply(STEPS["update_role"])


def test_an_issuer_that_iam_cannot_fetch_is_named(iam):
    """IAM looks at discovery when it creates the provider."""
    account_iam, stubber = iam
    stubber.add_client_error(
        "create_open_id_connect_provider", "OpenIdIdpCommunicationError", "m", 400
    )
    with pytest.raises(UpstreamRejected) as caught:
        account_iam.apply(STEPS["create_open_id_connect_provider"])
    assert caught.value.code == "issuer_unreachable_from_aws"


def test_a_role_is_created_with_its_boundary(iam):
    """Never a moment without: IAM would refuse the management role otherwise."""
    account_iam, stubber = iam
    stubber.add_response(
        "create_role",
        {"Role": _a_role()},
        {
            "RoleName": "Acme-Support-ReadOnly",
            "Description": ANY,
            "AssumeRolePolicyDocument": ANY,
            "PermissionsBoundary": "arn:aws:iam::aws:policy/ReadOnlyAccess",
            "MaxSessionDuration": 14400,
            "Tags": [{"Key": "ManagedBy", "Value": "Acme-Support"}],
        },
    )
    account_iam.apply(STEPS["create_role"])
    stubber.assert_no_pending_responses()


def test_managed_policies_are_read_in_their_default_version(iam):
    """Not the first version, nor the newest: the one that IAM evaluates."""
    account_iam, stubber = iam
    document = {"Version": "2012-10-17", "Statement": []}
    stubber.add_response(
        "get_policy", {"Policy": {"DefaultVersionId": "v7"}}, {"PolicyArn": POLICY}
    )
    stubber.add_response(
        "get_policy_version",
        {"PolicyVersion": {"Document": json.dumps(document)}},
        {"PolicyArn": POLICY, "VersionId": "v7"},
    )
    assert account_iam.policy_documents({POLICY}) == {POLICY: document}
    stubber.assert_no_pending_responses()


@pytest.mark.parametrize("code", ["AccessDenied", "NoSuchEntity"])
def test_a_policy_that_is_kept_from_us_is_no_failure(iam, code):
    """A customer's own policy is not ours to read; whoever asked must know that it is missing."""
    account_iam, stubber = iam
    stubber.add_client_error("get_policy", code, "User: arn:aws:sts::1:x is not", 403)
    assert account_iam.policy_documents([POLICY]) == {POLICY: None}


def test_throttled_reading_is_no_answer(iam):
    """Only a refusal says that a policy is kept from us; anything else may succeed later."""
    account_iam, stubber = iam
    stubber.add_client_error("get_policy", "Throttling", "m", 400)
    with pytest.raises(DependencyUnavailable):
        account_iam.policy_documents([POLICY])


def _a_role():
    return {
        "Path": "/",
        "RoleName": ROLE.name,
        "RoleId": "AROA0123456789ABCDEF",
        "Arn": ROLE.arn,
        "CreateDate": account().created_at,
    }
