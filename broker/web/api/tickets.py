"""`/v1/tickets`: what the vendor's console tells of support tickets."""

from __future__ import annotations

from broker.contract.base import ListQuery
from broker.contract.tickets import TicketAnswer, TicketBody, TicketPage
from broker.domain.identifiers import TicketId
from broker.domain.tickets import Ticket
from broker.services.calls import Call
from broker.services.reading import Window
from broker.web.endpoints import Api
from broker.wiring import Services

api = Api("tickets")


@api.endpoint("PUT", "/v1/tickets/<ticket_id>", body=TicketBody, answer=TicketAnswer)
def write_ticket(
    services: Services, call: Call, ticket_id: TicketId, body: TicketBody
) -> TicketAnswer:
    """Tell the broker of a ticket, whole; telling it again replaces what was told."""
    ticket = Ticket(
        ticket_id=ticket_id,
        account_ids=tuple(dict.fromkeys(body.account_ids)),
        subject=body.subject,
        status=body.status,
        assignees=tuple(dict.fromkeys(body.assignees)),
        updated_at=services.clock(),
    )
    return TicketAnswer.of(services.tickets.write(ticket, call))


@api.endpoint("GET", "/v1/tickets/<ticket_id>", answer=TicketAnswer)
def show_ticket(services: Services, call: Call, ticket_id: TicketId) -> TicketAnswer:
    """Show one ticket."""
    return TicketAnswer.of(services.reading.ticket(ticket_id, call))


@api.endpoint("GET", "/v1/tickets", query=ListQuery, answer=TicketPage)
def list_tickets(services: Services, call: Call, query: ListQuery) -> TicketPage:
    """List the tickets that the caller may see."""
    page = services.reading.ticket_page(Window(query.limit, query.cursor), call)
    return TicketPage(items=[TicketAnswer.of(ticket) for ticket in page.items], next=page.next)
