"""The access decision in all combinations: nothing is given without a reason for it, and whoever
restricts something never gives more by it.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from broker.domain.access import Allow, Deny, Reason
from broker.domain.accounts import AccountState, Consent
from broker.domain.grants import BY_POLICY, GrantState
from broker.domain.identity.permissions import PERMITTED, Action, Caller, Condition, Role, permits
from broker.domain.sessions import SHORTEST, Length
from broker.domain.tickets import TicketStatus
from tests.unit.domain.access_restrictions import RESTRICTIONS, on_account
from tests.unit.domain.access_scenarios import GRANT_IDS, SCENARIOS, account_sets
from tests.unit.domain.making import ACCOUNT, JANE, JOHN, OTHER_ACCOUNT

thoroughly = settings(max_examples=2000, deadline=None)
broadly = settings(max_examples=200, deadline=None)


def asks_for_own(scenario):
    """Whether the caller may ask for this session at all."""
    who, wanted = scenario.caller, scenario.request
    for_self = who.subject == wanted.engineer and who.roles & {Role.ENGINEER, Role.BREAK_GLASS}
    in_bounds = not who.account_ids or wanted.account_id in who.account_ids
    return in_bounds and bool(for_self or Role.CONSOLE in who.roles)


def account_is_open(scenario):
    """Whether the customer lets anybody in, and the account is ready for it."""
    found = scenario.account
    return (
        found is not None
        and found.state == AccountState.ACTIVE
        and found.consent in (Consent.STANDING, Consent.PER_GRANT)
    )


def ticket_is_a_reason(scenario):
    """Whether there is an open ticket for the account, and for the engineer."""
    found = scenario.ticket
    return (
        found is not None
        and found.status == TicketStatus.OPEN
        and scenario.request.account_id in found.account_ids
        and (not found.assignees or scenario.request.engineer in found.assignees)
    )


def grant_carries(scenario, grant):
    """Whether this grant is approved for exactly this, and for as long as is asked for."""
    wanted = scenario.request
    needed = SHORTEST if wanted.length is Length.AT_MOST else wanted.duration
    return (
        grant.decided == GrantState.APPROVED
        and grant.account_id == wanted.account_id
        and grant.ticket_id == wanted.ticket_id
        and grant.engineer == wanted.engineer
        and grant.access == wanted.access
        and wanted.grant_id in (None, grant.grant_id)
        and scenario.now + min(needed, wanted.duration) <= grant.expires_at
        and (scenario.account.consent == Consent.STANDING or grant.approver != BY_POLICY)
    )


def somebody_consented(scenario):
    """Whether there is such a grant, or the customer's standing word and no grant was named."""
    standing = scenario.account.consent == Consent.STANDING and scenario.request.grant_id is None
    return standing or any(grant_carries(scenario, grant) for grant in scenario.grants)


@thoroughly
@given(SCENARIOS)
def test_credentials_need_every_reason_at_once(scenario):
    """Said once more, in other words than the decision's: a yes if and only if all of it holds."""
    expected = (
        asks_for_own(scenario)
        and account_is_open(scenario)
        and ticket_is_a_reason(scenario)
        and scenario.request.duration <= scenario.limits.longest_session
        and somebody_consented(scenario)
    )
    decision = scenario.decision()
    event("allowed" if expected else f"denied: {getattr(decision, 'reason', None)}")
    assert isinstance(decision, Allow) is expected


@thoroughly
@given(SCENARIOS)
def test_what_is_allowed_is_allowed_under_a_grant_that_carries_it(scenario):
    """A grant of the engineer's own, or none where the customer's standing word makes a new one."""
    match scenario.decision():
        case Allow(None):
            assert scenario.account.consent is Consent.STANDING
            assert scenario.request.grant_id is None
        case Allow(grant, duration):
            assert grant in scenario.grants
            assert grant_carries(scenario, grant)
            lasts = duration or scenario.request.duration
            assert lasts <= scenario.request.duration
            assert scenario.now + lasts <= grant.expires_at
            assert duration is None or scenario.request.length is Length.AT_MOST


IS_SO = {
    Reason.FORBIDDEN: lambda s, _: not asks_for_own(s),
    Reason.ACCOUNT_NOT_FOUND: lambda s, _: s.account is None,
    Reason.ACCOUNT_NOT_ACTIVE: lambda s, _: s.account.state != AccountState.ACTIVE,
    Reason.CONSENT_OFF: lambda s, _: s.account.consent == Consent.OFF,
    Reason.TICKET_NOT_FOUND: lambda s, _: s.ticket is None,
    Reason.TICKET_CLOSED: lambda s, _: s.ticket.status == TicketStatus.CLOSED,
    Reason.TICKET_NOT_FOR_ACCOUNT: lambda s, _: ACCOUNT not in s.ticket.account_ids,
    Reason.NOT_ASSIGNED: lambda s, _: s.request.engineer not in s.ticket.assignees,
    Reason.GRANT_REQUIRED: lambda s, named: named is None or not grant_carries(s, named),
    Reason.GRANT_EXPIRED: lambda s, named: named.expires_at <= s.now,
    Reason.DURATION_TOO_LONG: lambda s, named: (
        s.request.duration > s.limits.longest_session
        if named is None
        else s.now < named.expires_at < s.now + s.request.duration
    ),
}
"""When each reason is true, of a scenario and the grant that the refusal names."""


@thoroughly
@given(SCENARIOS)
def test_the_reason_for_a_refusal_is_true(scenario):
    """And a grant that it names is one of the engineer's for just this."""
    decision, wanted = scenario.decision(), scenario.request
    if isinstance(decision, Allow):
        return
    named = next((g for g in scenario.grants if g.grant_id == decision.grant_id), None)
    assert (named is None) is (decision.grant_id is None)
    assert IS_SO[decision.reason](scenario, named)
    if named is not None:
        is_for = (named.account_id, named.ticket_id, named.engineer, named.access)
        assert is_for == (wanted.account_id, wanted.ticket_id, wanted.engineer, wanted.access)
        assert wanted.grant_id in (None, named.grant_id)


@pytest.mark.parametrize("restriction", RESTRICTIONS)
@broadly
@given(scenario=SCENARIOS, data=st.data())
def test_a_restriction_never_gives_more(restriction, scenario, data):
    """What was refused stays refused, whatever is taken away on top of it."""
    restricted = RESTRICTIONS[restriction](scenario, data.draw)
    if isinstance(restricted.decision(), Allow):
        assert isinstance(scenario.decision(), Allow)


OUTRIGHT = (
    "the ticket is closed",
    "the ticket is gone",
    "the ticket concerns another account",
    "the ticket is others'",
    "the account is not active",
    "the account is gone",
)


@pytest.mark.parametrize("restriction", OUTRIGHT)
@broadly
@given(scenario=SCENARIOS, data=st.data())
def test_these_restrictions_refuse_everybody(restriction, scenario, data):
    """Whatever else speaks for it."""
    assert isinstance(RESTRICTIONS[restriction](scenario, data.draw).decision(), Deny)


@broadly
@given(SCENARIOS)
def test_consent_off_refuses_everybody(scenario):
    """Promise 6, whatever was granted before, and by whom: policy and broken glass included."""
    assert isinstance(on_account(scenario, consent=Consent.OFF).decision(), Deny)


@broadly
@given(SCENARIOS, st.permutations(GRANT_IDS))
def test_the_order_of_grants_decides_nothing(scenario, order):
    """Whether there is access does not depend on which grant the store returned first."""
    grants = tuple(sorted(scenario.grants, key=lambda each: order.index(each.grant_id)))
    same = isinstance(replace(scenario, grants=grants).decision(), Allow)
    assert same is isinstance(scenario.decision(), Allow)


@broadly
@given(
    roles=st.frozensets(st.sampled_from(list(Role))),
    fewer=st.frozensets(st.sampled_from(list(Role))),
    bound=account_sets(),
    narrower=account_sets(),
    action=st.sampled_from(list(Action)),
    account_id=st.sampled_from([None, ACCOUNT, OTHER_ACCOUNT]),
    engineer=st.sampled_from([None, JANE, JOHN]),
    assignees=st.sampled_from([None, (), (JANE,), (JOHN,)]),
)
def test_fewer_roles_and_narrower_bounds_permit_no_more(
    roles, fewer, bound, narrower, action, account_id, engineer, assignees
):
    """The whole table, not only sessions. A binding gives something to customers alone."""
    what = {"account_id": account_id, "engineer": engineer, "assignees": assignees}
    less = Caller(subject=JANE, roles=roles & fewer, account_ids=(bound & narrower) or bound)
    if permits(less, action, **what):
        assert permits(Caller(subject=JANE, roles=roles, account_ids=bound), action, **what)
    if bound and permits(Caller(subject=JANE, roles=roles, account_ids=bound), action, **what):
        unbound = permits(Caller(subject=JANE, roles=roles), action, **what)
        assert unbound or PERMITTED[action].get(Role.CUSTOMER) is Condition.BOUND_ACCOUNT
