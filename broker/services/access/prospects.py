"""What an engineer's tickets lead to: for each account, what the decision would be now.

It is the decision that opens sessions, asked beforehand; nothing is recorded, for nothing was
asked for, and it is taken anew when somebody does ask.
"""

from __future__ import annotations

from dataclasses import dataclass

from broker.domain.access import Allow, Decision, Deny, Limits, Reason, decide
from broker.domain.accounts import Account
from broker.domain.grants import Access, GrantState
from broker.domain.identifiers import AccountId, EngineerId, GrantId, TicketId
from broker.domain.ports import AccountRepository, GrantRepository, Page
from broker.domain.sessions import USUAL, Length, SessionRequest
from broker.domain.tickets import Ticket, TicketStatus
from broker.services.ambient import Clock
from broker.services.calls import Call
from broker.services.reading import Reading, Window

_WANTING_A_GRANT = (Reason.GRANT_REQUIRED, Reason.GRANT_EXPIRED, Reason.DURATION_TOO_LONG)


@dataclass(frozen=True, slots=True)
class Prospect:
    """An account that a ticket concerns, and what asking for a session there would lead to."""

    account: Account
    decision: Decision

    @property
    def leads_in(self) -> bool:
        """Whether asking for a session would open one."""
        return isinstance(self.decision, Allow)

    @property
    def waits_for(self) -> GrantId | None:
        """The request that nobody has decided on yet."""
        match self.decision:
            case Deny(grant_id=grant_id, grant_state=GrantState.REQUESTED):
                return grant_id
        return None

    @property
    def refused_for(self) -> Reason | None:
        """Why a session would be refused."""
        return self.decision.reason if isinstance(self.decision, Deny) else None

    @property
    def wants_a_grant(self) -> bool:
        """Whether another grant would let the engineer in: there is none that lasts."""
        return self.refused_for in _WANTING_A_GRANT


@dataclass(frozen=True, slots=True)
class TicketAtHand:
    """A ticket, with what it leads to in each of its accounts."""

    ticket: Ticket
    prospects: tuple[Prospect, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Prospects:
    """Reads tickets for those who work on them."""

    reading: Reading
    accounts: AccountRepository
    grants: GrantRepository
    limits: Limits
    clock: Clock

    def page(self, window: Window, call: Call) -> Page[TicketAtHand]:
        """The open tickets that the caller may see. Raises AccessDenied.

        A part may hold fewer than its limit where closed ones stand between.
        """
        page = self.reading.ticket_page(window, call)
        at_hand = [
            self._at_hand(ticket, call)
            for ticket in page.items
            if ticket.status is TicketStatus.OPEN
        ]
        return Page(tuple(at_hand), page.next)

    def one(self, ticket_id: TicketId, call: Call) -> TicketAtHand:
        """One ticket, closed ones too. Raises AccessDenied, NotFound."""
        return self._at_hand(self.reading.ticket(ticket_id, call), call)

    def _at_hand(self, ticket: Ticket, call: Call) -> TicketAtHand:
        engineer = EngineerId(call.caller.subject)
        found = (self._prospect(ticket, each, engineer, call) for each in ticket.account_ids)
        return TicketAtHand(ticket, tuple(each for each in found if each is not None))

    def _prospect(
        self, ticket: Ticket, account_id: AccountId, engineer: EngineerId, call: Call
    ) -> Prospect | None:
        stored = self.accounts.get(account_id)
        if stored is None:
            return None
        request = SessionRequest(
            account_id=account_id,
            ticket_id=ticket.ticket_id,
            engineer=engineer,
            reason="",
            access=Access.READ,
            duration=USUAL,
            length=Length.AT_MOST,
        )
        decision = decide(
            request,
            caller=call.caller,
            account=stored.record,
            ticket=ticket,
            grants=[grant.record for grant in self.grants.of_engineer(account_id, engineer)],
            limits=self.limits,
            now=self.clock(),
        )
        return Prospect(stored.record, decision)
