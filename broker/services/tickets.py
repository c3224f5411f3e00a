"""Tickets, as the vendor's console tells them."""

from __future__ import annotations

from dataclasses import dataclass, replace

from broker.domain.identifiers import AccountId
from broker.domain.ledger import BROKER_CHAIN, LedgerAction, Outcome
from broker.domain.permissions import Action
from broker.domain.ports import Journal, Save, TicketRepository
from broker.domain.tickets import Ticket
from broker.services.ambient import Clock
from broker.services.authorization import Gate
from broker.services.calls import Call


@dataclass(frozen=True, slots=True, kw_only=True)
class Tickets:
    """Writing tickets; each write replaces the whole ticket."""

    journal: Journal
    tickets: TicketRepository
    gate: Gate
    clock: Clock

    def write(self, ticket: Ticket, call: Call) -> Ticket:
        """Store `ticket` as it is told; its time of change becomes now.

        Raises Conflict where another write came between.
        """
        stored = self.tickets.get(ticket.ticket_id)
        self._require(ticket, stored.record if stored else None, call)
        now = self.clock()
        written = replace(ticket, updated_at=now)
        self.journal.record(
            BROKER_CHAIN,
            call.event(
                LedgerAction.TICKET_WRITTEN,
                Outcome.DONE,
                ids={"ticket": ticket.ticket_id},
                details={
                    "status": ticket.status.value,
                    "accounts": list(ticket.account_ids),
                    "assignees": list(ticket.assignees),
                },
            ),
            now=now,
            saves=[Save(written, expected=stored.version if stored else 0)],
        )
        return written

    def _require(self, ticket: Ticket, before: Ticket | None, call: Call) -> None:
        """The caller must have a say in every account that the ticket concerns or concerned."""
        concerned: set[AccountId | None] = {*ticket.account_ids}
        concerned.update(before.account_ids if before else ())
        for account_id in concerned or {None}:
            self.gate.require(call, Action.WRITE_TICKET, account_id=account_id)
