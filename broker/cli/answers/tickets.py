"""Tickets as `broker tickets` prints them, for people."""

from __future__ import annotations

from broker.cli.answers.rows import print_lines, print_members, print_rows
from broker.contract.tickets import TicketAnswer, TicketPage
from broker.domain.times import rfc3339

_ANYBODY = "any engineer"


def print_ticket(ticket: TicketAnswer) -> None:
    """One member a line, and no line for what there is not."""
    members = (
        ("Ticket", ticket.id),
        ("Status", ticket.status),
        ("Subject", ticket.subject),
        ("Accounts", ", ".join(ticket.account_ids)),
        ("Assigned to", ", ".join(ticket.assignees) or _ANYBODY),
        ("Told at", rfc3339(ticket.updated_at)),
    )
    print_members(members)


def print_tickets(page: TicketPage) -> None:
    """A table, one ticket a row."""
    if not page.items:
        print_lines(["There is no such ticket."])
        return
    print_rows(
        ("Ticket", "Status", "Accounts", "Assigned to", "Subject"),
        [
            (
                ticket.id,
                ticket.status,
                ", ".join(ticket.account_ids),
                ", ".join(ticket.assignees) or _ANYBODY,
                ticket.subject,
            )
            for ticket in page.items
        ],
    )
