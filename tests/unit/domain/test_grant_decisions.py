"""What becomes of requests for grants: each rule alone, and none that a role gets around."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from broker.domain.access import Deny, Reason
from broker.domain.accounts import AccountState, Consent
from broker.domain.grant_decisions import (
    Approved,
    GrantLimits,
    GrantRequest,
    Verdict,
    Waits,
    decide_request,
    decided,
    is_own,
    new_grant,
    revoked,
    verdict_refused,
    verdict_stands,
)
from broker.domain.grants import BY_BREAK_GLASS, BY_POLICY, Access, GrantState, Urgency
from broker.domain.identity.permissions import Role
from broker.domain.tickets import TicketStatus
from tests.unit.domain.making import (
    ACCOUNT,
    JANE,
    JOHN,
    NOW,
    OTHER_ACCOUNT,
    TICKET,
    account,
    caller,
    grant,
    ticket,
)

LIMITS = GrantLimits(
    standing=timedelta(hours=12),
    approved=timedelta(hours=24),
    break_glass=timedelta(hours=1),
    break_glass_reason=30,
    request_waits=timedelta(hours=2),
)
PER_GRANT = account(consent=Consent.PER_GRANT)
EMERGENCY = "The database of the customer is down and nobody answers"
ROUTINE = GrantRequest(
    account_id=ACCOUNT,
    ticket_id=TICKET,
    engineer=JANE,
    access=Access.READ,
    reason="to look",
    duration=timedelta(hours=1),
)
URGENT = replace(ROUTINE, urgency=Urgency.BREAK_GLASS, reason=EMERGENCY)
BREAKER = caller(Role.BREAK_GLASS)
BOTH_ROLES = (Role.ENGINEER, Role.BREAK_GLASS)


def answered(request=ROUTINE, **given):
    """The decision on Jane's request under per-grant consent, but for what is given."""
    return decide_request(
        request,
        **{
            "caller": caller(*BOTH_ROLES),
            "account": PER_GRANT,
            "ticket": ticket(),
            "limits": LIMITS,
            **given,
        },
    )


OBSTACLES = {
    "consent off": ({"account": account(consent=Consent.OFF)}, Reason.CONSENT_OFF),
    **{
        f"account {state}": (
            {"account": account(consent=Consent.PER_GRANT, state=state)},
            Reason.ACCOUNT_NOT_ACTIVE,
        )
        for state in AccountState
        if state is not AccountState.ACTIVE
    },
    "unknown ticket": ({"ticket": None}, Reason.TICKET_NOT_FOUND),
    "closed ticket": ({"ticket": ticket(status=TicketStatus.CLOSED)}, Reason.TICKET_CLOSED),
    "another's ticket": (
        {"ticket": ticket(account_ids=(OTHER_ACCOUNT,))},
        Reason.TICKET_NOT_FOR_ACCOUNT,
    ),
    "assigned to others": ({"ticket": ticket(assignees=("bea",))}, Reason.NOT_ASSIGNED),
}
REFUSED = {
    **OBSTACLES,
    "unknown account": ({"account": None}, Reason.ACCOUNT_NOT_FOUND),
    "for another": ({"caller": caller(*BOTH_ROLES, subject=JOHN)}, Reason.FORBIDDEN),
    "bound elsewhere": (
        {"caller": caller(*BOTH_ROLES, accounts=(OTHER_ACCOUNT,))},
        Reason.FORBIDDEN,
    ),
}


@pytest.mark.parametrize("request_", [ROUTINE, URGENT], ids=["routine", "break glass"])
@pytest.mark.parametrize(("given", "reason"), REFUSED.values(), ids=REFUSED.keys())
def test_nothing_but_the_wait_is_spared_in_an_emergency(request_, given, reason):
    """What a session is refused for, a grant is refused for, however urgent."""
    assert answered(request_, **given) == Deny(reason)


@pytest.mark.parametrize(
    ("request_", "role"),
    [(ROUTINE, role) for role in Role if role not in (Role.ENGINEER, Role.CONSOLE)]
    + [(URGENT, role) for role in Role if role is not Role.BREAK_GLASS],
)
def test_each_urgency_needs_its_role(request_, role):
    """An engineer does not break the glass, and who may break it does not ask routinely."""
    assert answered(request_, caller=caller(role)) == Deny(Reason.FORBIDDEN)


def test_a_console_asks_for_others_but_breaks_no_glass():
    """Nobody breaks the glass on behalf of somebody."""
    console = caller(Role.CONSOLE, subject="console")
    assert answered(caller=console) == Waits()
    assert answered(URGENT, caller=console) == Deny(Reason.FORBIDDEN)


def test_who_consents_decides_what_becomes_of_it():
    """Standing consent approves; otherwise it waits, unless the glass is broken."""
    by_policy = Approved(BY_POLICY, Urgency.ROUTINE)
    assert answered(account=account()) == by_policy
    assert answered(URGENT, account=account()) == by_policy
    assert answered() == Waits()
    assert answered(URGENT, caller=BREAKER) == Approved(BY_BREAK_GLASS, Urgency.BREAK_GLASS)


@pytest.mark.parametrize(
    ("request_", "given", "longest"),
    [
        (ROUTINE, {"account": account()}, LIMITS.standing),
        (URGENT, {"account": account()}, LIMITS.standing),
        (ROUTINE, {}, LIMITS.approved),
        (URGENT, {}, LIMITS.break_glass),
    ],
    ids=["standing", "urgent under standing", "approved", "break glass"],
)
def test_each_kind_has_its_longest(request_, given, longest):
    """The limit itself is allowed, a second more is not."""
    assert not isinstance(answered(replace(request_, duration=longest), **given), Deny)
    longer = replace(request_, duration=longest + timedelta(seconds=1))
    assert answered(longer, **given) == Deny(Reason.DURATION_TOO_LONG)


@pytest.mark.parametrize(
    ("reason", "enough"),
    [
        ("", False),
        ("a" * 29, False),
        ("a" * 300, False),
        ("ab" * 15, True),
        (f"  {'ab' * 14}a  ", False),
        ("ab" + " " * 40 + "cd", False),
        ("ab" + "\N{ZERO WIDTH SPACE}" * 40, False),
        ("ab" + "\N{HANGUL FILLER}" * 40, False),
        ("ab" + "\N{BRAILLE PATTERN BLANK}" * 40, False),
        (EMERGENCY, True),
    ],
)
def test_an_emergency_has_to_be_explained(reason, enough):
    """Thirty characters, not counting what only fills the room."""
    found = answered(replace(URGENT, reason=reason))
    assert found == (
        Approved(BY_BREAK_GLASS, Urgency.BREAK_GLASS) if enough else Deny(Reason.REASON_TOO_SHORT)
    )


def made(request, decision, *, asked_by=JANE):
    """The grant that comes of it."""
    return new_grant(
        request, decision, grant_id=grant().grant_id, asked_by=asked_by, limits=LIMITS, now=NOW
    )


def test_a_request_waits_and_then_lapses():
    """It ends by itself when nobody decides; the duration is kept for whoever approves."""
    waiting = made(ROUTINE, Waits())
    assert (waiting.decided, waiting.approver, waiting.decided_at) == (
        GrantState.REQUESTED,
        None,
        None,
    )
    assert waiting.expires_at == NOW + LIMITS.request_waits
    assert waiting.duration == ROUTINE.duration
    before = waiting.expires_at - timedelta(milliseconds=1)
    assert waiting.state_at(before) is GrantState.REQUESTED
    assert waiting.state_at(waiting.expires_at) is GrantState.EXPIRED


@pytest.mark.parametrize(
    ("by", "urgency"), [(BY_POLICY, Urgency.ROUTINE), (BY_BREAK_GLASS, Urgency.BREAK_GLASS)]
)
def test_what_a_policy_approves_begins_now(by, urgency):
    """It ends after the duration that was asked for."""
    approved = made(URGENT, Approved(by, urgency))
    assert (approved.decided, approved.approver, approved.urgency) == (
        GrantState.APPROVED,
        by,
        urgency,
    )
    assert (approved.decided_at, approved.expires_at) == (NOW, NOW + URGENT.duration)
    assert approved.reason == EMERGENCY


def test_a_grant_says_who_asked_where_that_was_somebody_else():
    """The console is named, the engineer not twice."""
    assert made(ROUTINE, Waits()).requested_by is None
    assert made(ROUTINE, Waits(), asked_by="console").requested_by == "console"


WAITING = made(ROUTINE, Waits())


def refusal(given_on=WAITING, verdict=Verdict.APPROVED, **given):
    """Why John may not decide so."""
    return verdict_refused(
        given_on,
        verdict,
        **{"decider": JOHN, "account": PER_GRANT, "ticket": ticket(), "now": NOW, **given},
    )


@pytest.mark.parametrize("verdict", Verdict)
@pytest.mark.parametrize(
    ("given_on", "decider"),
    [
        (WAITING, JANE),
        (WAITING, JANE.upper()),
        (replace(WAITING, requested_by="console"), JANE),
        (replace(WAITING, requested_by="console"), "console"),
        (replace(WAITING, requested_by="console"), "Console"),
    ],
)
def test_nobody_decides_what_they_asked_for(verdict, given_on, decider):
    """Neither for themselves nor for others, in whichever letter case they sign in."""
    assert is_own(given_on, decider)
    assert refusal(given_on, verdict, decider=decider) is Reason.OWN_REQUEST


@pytest.mark.parametrize("verdict", Verdict)
@pytest.mark.parametrize(
    "state", sorted(set(GrantState) - {GrantState.REQUESTED, GrantState.EXPIRED})
)
def test_only_what_waits_can_be_decided(verdict, state):
    """Nothing that was decided, and nothing that has lapsed, to the millisecond."""
    assert refusal(replace(WAITING, decided=state), verdict) is Reason.ALREADY_DECIDED
    assert refusal(verdict=verdict, now=WAITING.expires_at) is Reason.ALREADY_DECIDED
    last = WAITING.expires_at - timedelta(milliseconds=1)
    assert refusal(verdict=verdict, now=last) is None


@pytest.mark.parametrize(("given", "reason"), OBSTACLES.values(), ids=OBSTACLES.keys())
def test_what_has_changed_since_stands_in_the_way_of_an_approval_only(given, reason):
    """A closed ticket or a withdrawn consent; a denial needs neither."""
    assert refusal(**given) is reason
    assert refusal(verdict=Verdict.DENIED, **given) is None


def test_an_approved_grant_lasts_from_its_approval():
    """Not from the request, and not until the request would have lapsed."""
    later = NOW + timedelta(minutes=50)
    approved = decided(WAITING, Verdict.APPROVED, decider=JOHN, reason="as agreed", now=later)
    assert approved.state_at(later) is GrantState.APPROVED
    assert approved.expires_at == later + ROUTINE.duration
    assert (approved.approver, approved.decided_at, approved.decision_reason) == (
        JOHN,
        later,
        "as agreed",
    )


def test_a_denied_request_ends_with_who_and_why():
    """It keeps the end that it had."""
    denied = decided(WAITING, Verdict.DENIED, decider=JOHN, reason="not today", now=NOW)
    assert denied.state_at(NOW) is GrantState.DENIED
    assert denied.expires_at == WAITING.expires_at
    assert (denied.approver, denied.decided_at, denied.decision_reason) == (JOHN, NOW, "not today")


def test_the_same_again_by_the_same_person_stands():
    """By another person, or the other way round, or after its end, it does not."""
    approved = decided(WAITING, Verdict.APPROVED, decider=JOHN, reason="", now=NOW)
    assert verdict_stands(approved, Verdict.APPROVED, decider=JOHN, now=NOW)
    assert not verdict_stands(approved, Verdict.APPROVED, decider="acme", now=NOW)
    assert not verdict_stands(approved, Verdict.DENIED, decider=JOHN, now=NOW)
    assert not verdict_stands(approved, Verdict.APPROVED, decider=JOHN, now=approved.expires_at)
    assert not verdict_stands(WAITING, Verdict.APPROVED, decider=JOHN, now=NOW)


def test_a_revocation_ends_what_lives_and_moves_nothing():
    """The approver and the end stay on record."""
    ended = revoked(grant(), reason="enough", now=NOW)
    assert ended.state_at(NOW) is GrantState.REVOKED
    assert (ended.approver, ended.expires_at) == (grant().approver, grant().expires_at)
    assert (ended.decided_at, ended.decision_reason) == (NOW, "enough")
    assert revoked(WAITING, reason="", now=NOW).decided is GrantState.REVOKED


@pytest.mark.parametrize("state", [GrantState.DENIED, GrantState.REVOKED])
def test_what_is_over_stays_as_it_is(state):
    """No second revocation, nor one of what has lapsed."""
    assert revoked(grant(decided=state), reason="again", now=NOW) is None
    assert revoked(grant(), reason="late", now=grant().expires_at) is None
