"""`/tickets`: an engineer's work, and the shortest way from a ticket into the account."""

from __future__ import annotations

from broker.domain.identifiers import TicketId
from broker.services.calls import Call
from broker.services.reading import Window
from broker.web.pages.fields import ListQuery
from broker.web.pages.site import Page, Section
from broker.wiring import Services

section = Section("tickets")
_PART = 20


@section.page("/tickets", query=ListQuery)
def tickets(services: Services, call: Call, query: ListQuery) -> Page:
    """The open tickets, each account of which is one click from credentials."""
    page = services.prospects.page(Window(_PART, query.cursor), call)
    return Page("tickets.html", {"items": page.items, "next": page.next})


@section.page("/tickets/<ticket_id>")
def ticket(services: Services, call: Call, ticket_id: TicketId) -> Page:
    """One ticket: open a session to measure, ask for access, or go straight to the console."""
    at_hand = services.prospects.one(ticket_id, call)
    shown = {"ticket": at_hand.ticket, "prospects": at_hand.prospects}
    return Page("ticket.html", shown, form_targets=services.console.origins)
