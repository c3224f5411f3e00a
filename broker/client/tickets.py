"""Support tickets, as the vendor's console tells of them."""

from __future__ import annotations

from broker import contract
from broker.client.connection import Connection
from broker.domain.identifiers import TicketId


class Tickets(Connection):
    """Support tickets, as the vendor's console tells of them."""

    def write_ticket(
        self, ticket_id: TicketId, body: contract.tickets.TicketBody
    ) -> contract.tickets.TicketAnswer:
        """Tell the broker of a ticket, whole; telling it again replaces what was told."""
        return self._ask(
            "PUT", ("tickets", ticket_id), answer=contract.tickets.TicketAnswer, body=body
        )

    def show_ticket(self, ticket_id: TicketId) -> contract.tickets.TicketAnswer:
        """Show one ticket."""
        return self._ask("GET", ("tickets", ticket_id), answer=contract.tickets.TicketAnswer)

    def list_tickets(self, query: contract.base.ListQuery) -> contract.tickets.TicketPage:
        """List the tickets that the caller may see."""
        return self._ask("GET", ("tickets",), answer=contract.tickets.TicketPage, query=query)
