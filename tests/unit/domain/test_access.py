"""The access decision: every refusal has its reason, and nothing but a good request passes."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from broker.domain.access import Allow, Deny, Limits, Reason, decide
from broker.domain.accounts import AccountState, Consent
from broker.domain.grants import BY_BREAK_GLASS, BY_POLICY, Access, GrantState
from broker.domain.identifiers import GrantId
from broker.domain.identity.permissions import Role
from broker.domain.refusals import SENTENCES
from broker.domain.sessions import Length
from broker.domain.tickets import TicketStatus
from tests.unit.domain.making import (
    ACCOUNT,
    JOHN,
    NOW,
    OTHER_ACCOUNT,
    account,
    caller,
    grant,
    request,
    ticket,
)

LIMITS = Limits(longest_session=timedelta(hours=4), standing_grant=timedelta(hours=12))
ENGINEER = caller(Role.ENGINEER)


def decided(**given):
    """The decision on Jane's good request, but for what is given."""
    return decide(
        given.pop("request", request()),
        **{
            "caller": ENGINEER,
            "account": account(),
            "ticket": ticket(),
            "grants": (),
            "limits": LIMITS,
            "now": NOW,
            **given,
        },
    )


def test_an_open_ticket_is_enough_under_standing_consent():
    """A new grant is asked for: Allow names none."""
    assert decided() == Allow(None)


def test_an_open_grant_is_used_again():
    """The engineer's own grant that outlasts the session carries it."""
    assert decided(grants=[grant()]) == Allow(grant())


def within(minutes, **asked):
    """The decision where the only grant that is approved ends so many minutes from now."""
    ends = grant(expires_at=NOW + timedelta(minutes=minutes, milliseconds=5), approver="acme")
    decision = decided(
        account=account(consent=Consent.PER_GRANT), grants=[ends], request=request(**asked)
    )
    return decision, ends


def test_a_session_of_no_certain_length_ends_with_its_grant():
    """In whole seconds, as AWS counts them, and never for longer than was asked for."""
    hour = {"duration": timedelta(hours=1), "length": Length.AT_MOST}
    decision, ends = within(40, **hour)
    assert decision == Allow(ends, duration=timedelta(minutes=40))
    decision, ends = within(90, **hour)
    assert decision == Allow(ends)


def test_what_is_left_must_be_enough_for_aws_and_for_who_said_how_long():
    """AWS gives no session of less than 15 minutes, and a length that was said is meant."""
    decision, ends = within(14, duration=timedelta(hours=1), length=Length.AT_MOST)
    assert decision == Deny(Reason.DURATION_TOO_LONG, ends.grant_id)
    decision, ends = within(40, duration=timedelta(hours=1))
    assert decision == Deny(Reason.DURATION_TOO_LONG, ends.grant_id)


REFUSALS = {
    "no engineer": ({"caller": caller(Role.AUDITOR)}, Reason.FORBIDDEN),
    "for someone else": ({"request": request(engineer=JOHN)}, Reason.FORBIDDEN),
    "bound elsewhere": (
        {"caller": caller(Role.ENGINEER, accounts=(OTHER_ACCOUNT,))},
        Reason.FORBIDDEN,
    ),
    "customer": ({"caller": caller(Role.CUSTOMER, accounts=(ACCOUNT,))}, Reason.FORBIDDEN),
    "unknown account": ({"account": None}, Reason.ACCOUNT_NOT_FOUND),
    "consent off": ({"account": account(consent=Consent.OFF)}, Reason.CONSENT_OFF),
    "consent off says so even if degraded": (
        {"account": account(consent=Consent.OFF, state=AccountState.DEGRADED)},
        Reason.CONSENT_OFF,
    ),
    **{
        f"account {state}": ({"account": account(state=state)}, Reason.ACCOUNT_NOT_ACTIVE)
        for state in AccountState
        if state is not AccountState.ACTIVE
    },
    "unknown ticket": ({"ticket": None}, Reason.TICKET_NOT_FOUND),
    "closed ticket": ({"ticket": ticket(status=TicketStatus.CLOSED)}, Reason.TICKET_CLOSED),
    "ticket of another account": (
        {"ticket": ticket(account_ids=(OTHER_ACCOUNT,))},
        Reason.TICKET_NOT_FOR_ACCOUNT,
    ),
    "ticket of no account": ({"ticket": ticket(account_ids=())}, Reason.TICKET_NOT_FOR_ACCOUNT),
    "assigned to others": ({"ticket": ticket(assignees=(JOHN,))}, Reason.NOT_ASSIGNED),
    "longer than allowed": (
        {"request": request(duration=timedelta(hours=4, seconds=1))},
        Reason.DURATION_TOO_LONG,
    ),
}


@pytest.mark.parametrize(("given", "reason"), REFUSALS.values(), ids=REFUSALS.keys())
def test_each_refusal_has_its_reason(given, reason):
    """One thing wrong, one reason."""
    assert decided(**given) == Deny(reason)


def test_a_console_opens_for_an_engineer():
    """A console names the engineer; the ticket's assignees still decide."""
    console = caller(Role.CONSOLE, subject="console")
    assert decided(caller=console) == Allow(None)
    assert decided(caller=console, ticket=ticket(assignees=(JOHN,))) == Deny(Reason.NOT_ASSIGNED)


def test_the_longest_session_is_allowed():
    """The limit itself is not too long."""
    assert decided(request=request(duration=timedelta(hours=4))) == Allow(None)


PER_GRANT = account(consent=Consent.PER_GRANT)
GRANTS = {
    "none": ([], Deny(Reason.GRANT_REQUIRED)),
    "requested": (
        [grant(decided=GrantState.REQUESTED)],
        Deny(Reason.GRANT_REQUIRED, grant().grant_id, GrantState.REQUESTED),
    ),
    "requested beside a revoked one that would have lasted longer": (
        [
            grant(decided=GrantState.REVOKED, expires_at=NOW + timedelta(hours=30)),
            grant(grant_id=GrantId("gr-" + "2" * 20), decided=GrantState.REQUESTED),
        ],
        Deny(Reason.GRANT_REQUIRED, GrantId("gr-" + "2" * 20), GrantState.REQUESTED),
    ),
    "denied": (
        [grant(decided=GrantState.DENIED)],
        Deny(Reason.GRANT_REQUIRED, grant().grant_id, GrantState.DENIED),
    ),
    "revoked": (
        [grant(decided=GrantState.REVOKED)],
        Deny(Reason.GRANT_REQUIRED, grant().grant_id, GrantState.REVOKED),
    ),
    "expired this second": ([grant(expires_at=NOW)], Deny(Reason.GRANT_EXPIRED, grant().grant_id)),
    "of a standing consent that has ended": (
        [grant(approver=BY_POLICY)],
        Deny(Reason.GRANT_REQUIRED),
    ),
    "of another engineer": ([grant(engineer=JOHN)], Deny(Reason.GRANT_REQUIRED)),
    "of another access": ([grant(access=Access.CASE)], Deny(Reason.GRANT_REQUIRED)),
    "of another account": ([grant(account_id=OTHER_ACCOUNT)], Deny(Reason.GRANT_REQUIRED)),
    "ends before the session would": (
        [grant(expires_at=NOW + timedelta(minutes=59))],
        Deny(Reason.DURATION_TOO_LONG, grant().grant_id),
    ),
    "ends with the session": (
        [grant(expires_at=NOW + timedelta(hours=1))],
        Allow(grant(expires_at=NOW + timedelta(hours=1))),
    ),
}


@pytest.mark.parametrize(("grants", "decision"), GRANTS.values(), ids=GRANTS.keys())
def test_per_grant_consent_asks_for_a_grant(grants, decision):
    """Without standing consent only an approved grant that lasts long enough is a yes."""
    assert decided(account=PER_GRANT, grants=grants) == decision


def test_a_named_grant_is_the_only_one_that_counts():
    """Naming a grant that does not fit is refused even under standing consent."""
    named = request(grant_id=GrantId("gr-" + "1" * 20))
    assert decided(request=named, grants=[grant()]) == Deny(Reason.GRANT_REQUIRED)
    assert decided(request=request(grant_id=grant().grant_id), grants=[grant()]) == Allow(grant())


def test_standing_consent_makes_a_new_grant_where_the_old_one_ends_too_soon():
    """Overlapping grants are independent; the old one is not stretched."""
    short = grant(expires_at=NOW + timedelta(minutes=30))
    assert decided(grants=[short]) == Allow(None)


LONGEST = timedelta(hours=4)
MOMENT = timedelta(milliseconds=1)
MINUTE = timedelta(minutes=1)


def switched_off_and_on(consent):
    """An account that was off for a minute, and may be entered again by this consent."""
    off = account().consenting(Consent.OFF, now=NOW + MINUTE, longest_session=LONGEST)
    return off.consenting(consent, now=NOW + 2 * MINUTE, longest_session=LONGEST)


@pytest.mark.parametrize("approver", ["acme", BY_BREAK_GLASS])
@pytest.mark.parametrize(
    "since",
    [switched_off_and_on(Consent.PER_GRANT), account(consent=Consent.PER_GRANT)],
    ids=["off and on again", "left and registered anew"],
)
def test_what_was_granted_before_the_customer_left_stays_over(since, approver):
    """Whoever closes the door and opens it again is asked again by everybody."""
    over = grant(decided_at=since.grants_count_since - MOMENT, approver=approver)
    assert decided(account=since, grants=[over]) == Deny(Reason.GRANT_REQUIRED)
    by_name = request(grant_id=over.grant_id)
    assert decided(account=since, grants=[over], request=by_name) == Deny(Reason.GRANT_REQUIRED)
    untold = replace(over, created_at=since.grants_count_since - MOMENT, decided_at=None)
    assert decided(account=since, grants=[untold]) == Deny(Reason.GRANT_REQUIRED)
    again = grant(decided_at=since.grants_count_since)
    assert decided(account=since, grants=[over, again]) == Allow(again)


def test_a_request_from_before_may_still_be_approved_afterwards():
    """It gave nobody anything; who decides on it does so by what is known now."""
    since = switched_off_and_on(Consent.PER_GRANT)
    waiting = grant(decided=GrantState.REQUESTED, approver=None)
    assert decided(account=since, grants=[waiting]) == Deny(
        Reason.GRANT_REQUIRED, waiting.grant_id, GrantState.REQUESTED
    )
    approved = replace(waiting, decided=GrantState.APPROVED, decided_at=NOW + 3 * MINUTE)
    assert decided(account=since, grants=[approved]) == Allow(approved)


def test_standing_consent_that_is_given_again_makes_a_new_grant():
    over = grant(decided_at=NOW, approver=BY_POLICY)
    assert decided(account=switched_off_and_on(Consent.STANDING), grants=[over]) == Allow(None)


def test_every_reason_has_a_sentence():
    """No refusal is silent."""
    assert set(SENTENCES) == set(Reason)
