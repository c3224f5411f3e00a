"""The harmless call is one that only a revocation can stop, whatever the account's profile."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from functools import cache

import pytest
from moto.iam.aws_managed_policies import aws_managed_policies_data

from broker.domain.accounts import Account, Consent, Payer, Profile
from broker.domain.grants import Access
from broker.domain.iam_documents import only_actions
from broker.domain.identifiers import SessionId
from broker.domain.probing import PROBED_ACTIONS, is_settled, pause_after, proved_with
from broker.domain.revocations import RevokedSession
from broker.domain.role_plan import RolePolicy, RoleSpec, wanted_in
from broker.sandbox.policy.evaluation import (
    Allowed,
    AuthorizationRequest,
    Decision,
    Denied,
    PolicyDocument,
    PolicyKind,
    Reason,
    evaluate,
)
from tests.contract.store_samples import a_session
from tests.unit.domain.making import NOW, account

POLICY = RolePolicy(
    name_prefix="Acme",
    longest_session=timedelta(hours=4),
    pinned_partitions=frozenset({"aws"}),
)
TAG = SessionId("s-" + "5" * 20)
HOUR = timedelta(hours=1)


@cache
def managed(arn: str) -> PolicyDocument:
    """AWS's own policy, as moto carries it."""
    policies = json.loads(aws_managed_policies_data)
    document = policies[arn.rpartition("/")[2]]["Document"]
    return PolicyDocument.loads(json.dumps(document), PolicyKind.IDENTITY)


def decided(access: Access, of: Account, *, tag: SessionId = TAG) -> Decision:
    """What IAM makes of the call, for a session with this tag that was issued a minute ago."""
    role = _role(access, of)
    inline = [
        PolicyDocument.loads(json.dumps(document), PolicyKind.IDENTITY)
        for document in role.inline_policies.values()
    ]
    session = PolicyDocument.loads(only_actions([PROBED_ACTIONS[access]]), PolicyKind.IDENTITY)
    context = {
        "aws:PrincipalTag/Session": tag,
        "aws:TokenIssueTime": "2026-11-24T11:59:00Z",
    }
    return evaluate(
        AuthorizationRequest(PROBED_ACTIONS[access], "*", context),
        identity=[*inline, *(managed(arn) for arn in role.managed_policies)],
        boundary=managed(role.boundary),
        session=[session],
    )


def _role(access: Access, of: Account) -> RoleSpec:
    read, case = wanted_in(of, POLICY, now=NOW).roles
    return read if access is Access.READ else case


ACCOUNTS = [account(profile=profile, payer=payer) for profile in Profile for payer in Payer]
"""Every kind of account."""


@pytest.mark.parametrize("access", Access)
@pytest.mark.parametrize("of", ACCOUNTS, ids=lambda of: f"{of.profile.value}-{of.payer.value}")
def test_without_a_denial_it_is_allowed(access: Access, of: Account) -> None:
    """Else AWS's refusal would say nothing about the revocation."""
    assert decided(access, of) == Allowed()


@pytest.mark.parametrize("access", Access)
def test_each_denial_stops_it(access: Access) -> None:
    """By tag, by time, and because consent is off: an explicit Deny of the role's own."""
    by_tag = account().revocations.with_sessions(
        [RevokedSession(session_id=TAG, expires_at=NOW + HOUR)], now=NOW
    )
    by_time = account().revocations.with_everything(issued_before=NOW, until=NOW + HOUR)
    stopped = Denied(Reason.EXPLICIT_DENY_IDENTITY)
    assert decided(access, account(revocations=by_tag)) == stopped
    assert decided(access, account(revocations=by_time)) == stopped
    assert decided(access, account(consent=Consent.OFF)) == stopped
    other = SessionId("s-" + "6" * 20)
    assert decided(access, account(revocations=by_tag), tag=other) == Allowed()


def test_what_is_settled() -> None:
    """A good pass makes the account due later; whoever revokes makes it due at once."""
    assert is_settled(account(next_check_at=NOW + HOUR), NOW)
    assert not is_settled(account(next_check_at=NOW), NOW)
    assert not is_settled(account(next_check_at=None), NOW)
    assert not is_settled(account(next_check_at=NOW + HOUR, failures=1), NOW)


def test_pauses_grow_with_what_has_passed() -> None:
    """A second at first, then half as long as it has taken."""
    session = a_session(revoked_at=NOW)
    seconds = [
        pause_after(session, NOW + timedelta(seconds=age)).total_seconds()
        for age in (0, 1, 20, 600)
    ]
    assert seconds == [1, 1, 10, 300]


def test_what_a_leader_proves() -> None:
    """The same role, and revoked no later; not what lives, nor what is proved already."""
    leader = a_session(1, revoked_at=NOW)
    assert proved_with(leader, a_session(2, revoked_at=NOW))
    assert proved_with(leader, a_session(2, revoked_at=NOW - HOUR))
    assert not proved_with(leader, a_session(2, revoked_at=NOW + timedelta(seconds=1)))
    assert not proved_with(leader, a_session(2, revoked_at=NOW, access=Access.READ))
    assert not proved_with(leader, a_session(2, revoked_at=NOW, refused_at=NOW))
    assert not proved_with(leader, a_session(2))
    assert not proved_with(replace(leader, revoked_at=None), a_session(2, revoked_at=NOW))
