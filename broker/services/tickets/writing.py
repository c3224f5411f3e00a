"""Tickets, as the vendor's console tells them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

from broker.domain.identifiers import AccountId
from broker.domain.identity.permissions import Action
from broker.domain.ledger.entries import BROKER_CHAIN, LedgerAction, Outcome
from broker.domain.ports import Journal, Save, TicketRepository
from broker.domain.tickets import Ticket
from broker.errors import Conflict
from broker.services.ambient import Clock
from broker.services.authorization import Gate
from broker.services.calls import Call
from broker.services.tickets import entries


class ToldBy(Enum):
    """Whose word on tickets counts."""

    CONSOLE = "console"
    SOURCE = "source"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tickets:
    """Writing tickets; each write replaces the whole ticket.

    What was granted for a ticket is compared after each write (`services/tickets/watch.py`).
    """

    journal: Journal
    tickets: TicketRepository
    told_by: ToldBy
    gate: Gate
    clock: Clock

    def write(self, ticket: Ticket, call: Call) -> Ticket:
        """Store `ticket` as it is told; its time of change becomes now.

        Raises AccessDenied, and Conflict where another write came between, or where tickets come
        from a source (`tickets_come_from_source`).
        """
        stored = self.tickets.get(ticket.ticket_id)
        self._require(ticket, stored.record if stored else None, call)
        if self.told_by is ToldBy.SOURCE:
            raise self._refused(ticket, call)
        now = self.clock()
        written = replace(ticket, updated_at=now)
        self.journal.record(
            BROKER_CHAIN,
            call.event(
                LedgerAction.TICKET_WRITTEN,
                Outcome.DONE,
                ids={"ticket": ticket.ticket_id},
                details=entries.details(ticket),
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

    def _refused(self, ticket: Ticket, call: Call) -> Conflict:
        """Record the refusal, and return the error that says whom to tell instead."""
        error = Conflict(
            "Tickets come from the ticket system that this broker asks. Change the ticket there.",
            code="tickets_come_from_source",
        )
        event = call.event(
            LedgerAction.TICKET_WRITTEN,
            Outcome.REFUSED,
            reason=error.code,
            ids={"ticket": ticket.ticket_id},
        )
        self.journal.record(BROKER_CHAIN, event, now=self.clock())
        return error
