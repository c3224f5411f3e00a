"""Everything that an access decision depends on, in all combinations, as Hypothesis makes them up.

Each part is good more often than not: else nearly every scenario would be refused for many reasons
at once, and a missing check would hardly ever be the only one that should have refused.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from hypothesis import strategies as st

from broker.domain.access import Decision, Limits, decide
from broker.domain.accounts import Account, AccountState, Consent
from broker.domain.grants import BY_BREAK_GLASS, BY_POLICY, Access, Grant, GrantState, Urgency
from broker.domain.identifiers import EngineerId, GrantId, TicketId
from broker.domain.identity.permissions import Caller, Role
from broker.domain.sessions import Length, SessionRequest
from broker.domain.tickets import Ticket, TicketStatus
from tests.unit.domain.making import (
    ACCOUNT,
    JANE,
    JOHN,
    NOW,
    OTHER_ACCOUNT,
    TICKET,
    account,
    grant,
    request,
    ticket,
)

JOAN = EngineerId("joan@vendor.example")
OTHER_TICKET = TicketId("T-2000")
GRANT_IDS = [GrantId(f"gr-{number:020x}") for number in range(4)]
MINUTES = [15, 59, 60, 61, 240, 241]
"""Around an hour, which nearly all requests are for, and around the longest session."""


@dataclass(frozen=True)
class Scenario:
    """What `decide` takes."""

    request: SessionRequest
    caller: Caller
    account: Account | None
    ticket: Ticket | None
    grants: tuple[Grant, ...]
    limits: Limits
    now: datetime = NOW

    def decision(self) -> Decision:
        """What is decided about it."""
        return decide(
            self.request,
            caller=self.caller,
            account=self.account,
            ticket=self.ticket,
            grants=self.grants,
            limits=self.limits,
            now=self.now,
        )


def mostly(good, *others):
    """`good` in six of seven cases, and the others now and then."""
    return st.sampled_from([good] * (6 * len(others)) + list(others))


def minutes(usual):
    """A duration."""
    return mostly(timedelta(minutes=usual), *(timedelta(minutes=number) for number in MINUTES))


def numbered(grants):
    """The grants with ids that differ."""
    pairs = zip(GRANT_IDS, grants, strict=False)
    return tuple(replace(each, grant_id=grant_id) for grant_id, each in pairs)


def account_sets():
    """Accounts that a caller is bound to, or that a ticket concerns."""
    return st.frozensets(st.sampled_from([ACCOUNT, OTHER_ACCOUNT]))


CALLERS = st.builds(
    Caller,
    subject=mostly(JANE, JOHN, "console"),
    roles=st.one_of(
        st.just(frozenset({Role.ENGINEER})),
        st.sampled_from([frozenset({role}) for role in Role]),
        mostly(frozenset({Role.BREAK_GLASS}), frozenset({Role.AUDITOR, Role.CONSOLE}), frozenset()),
    ),
    account_ids=mostly(frozenset(), frozenset({ACCOUNT}), frozenset({OTHER_ACCOUNT})),
)
REQUESTS = st.builds(
    request,
    engineer=mostly(JANE, JOHN),
    access=mostly(Access.READ, Access.CASE),
    duration=minutes(60),
    length=mostly(*Length),
    grant_id=mostly(None, *GRANT_IDS),
)
ACCOUNTS = st.one_of(
    st.builds(
        account,
        consent=st.one_of(mostly(Consent.PER_GRANT, Consent.OFF), st.sampled_from(list(Consent))),
        state=mostly(AccountState.ACTIVE, *AccountState),
    ),
    mostly(account(), None),
)
TICKETS = st.one_of(
    st.builds(
        ticket,
        account_ids=mostly((ACCOUNT,), (), (OTHER_ACCOUNT,), (OTHER_ACCOUNT, ACCOUNT)),
        status=mostly(*TicketStatus),
        assignees=st.sampled_from([(), (JANE,), (JOHN,), (JOHN, JANE), (JOHN, JOAN)]),
    ),
    mostly(ticket(), None),
)
GRANTS = st.builds(
    grant,
    account_id=mostly(ACCOUNT, OTHER_ACCOUNT),
    ticket_id=mostly(TICKET, OTHER_TICKET),
    engineer=mostly(JANE, JOHN),
    access=mostly(Access.READ, Access.CASE),
    decided=mostly(
        GrantState.APPROVED, GrantState.REQUESTED, GrantState.DENIED, GrantState.REVOKED
    ),
    approver=st.sampled_from(["acme", BY_POLICY, BY_BREAK_GLASS]),
    urgency=mostly(*Urgency),
    expires_at=st.one_of(
        st.just(NOW + timedelta(hours=8)),
        st.sampled_from([NOW + timedelta(minutes=number) for number in (-60, 0, *MINUTES)]),
    ),
)
LIMITS = st.builds(
    Limits, longest_session=minutes(240), standing_grant=st.just(timedelta(hours=12))
)
SCENARIOS = st.builds(
    Scenario,
    request=REQUESTS,
    caller=CALLERS,
    account=ACCOUNTS,
    ticket=TICKETS,
    grants=st.lists(GRANTS, max_size=len(GRANT_IDS)).map(numbered),
    limits=LIMITS,
)
