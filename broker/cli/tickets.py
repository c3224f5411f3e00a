"""`broker tickets`: what the broker knows of support tickets, and telling it of them."""

from __future__ import annotations

import click

from broker.cli.answers.tickets import print_ticket, print_tickets
from broker.cli.asking import Target, calls_the_broker, tell
from broker.cli.failures import EXIT_CODES
from broker.cli.grammar.groups import Group
from broker.cli.grammar.parsed import OneOf, Parsed
from broker.client.paging import every
from broker.contract.base import ListQuery
from broker.contract.tickets import TicketBody, TicketPage
from broker.domain.identifiers import AccountId, EngineerId, TicketId
from broker.domain.tickets import TicketStatus

_ACCOUNT = Parsed(AccountId, "account")
_ticket = click.argument("ticket_id", metavar="TICKET", type=Parsed(TicketId, "ticket"))


@click.group(cls=Group)
def tickets() -> None:
    """See the tickets that access may be for, and tell the broker of them.

    Where tickets come from a ticket system (BROKER_TICKETS_URL) that alone tells of them.

    \b
      broker tickets list --status open
      broker tickets put T-1042 --account 111122223333 --subject "Slow queries"
      broker tickets close T-1042
    """


@tickets.command(name="list", epilog=EXIT_CODES)
@click.option("--account", type=_ACCOUNT, help="Only those for this account.")
@click.option("--status", type=OneOf(TicketStatus), help="Only open ones, or only closed ones.")
@calls_the_broker
def list_tickets(
    *, account: AccountId | None, status: TicketStatus | None, target: Target, as_json: bool
) -> None:
    """List the tickets that you may see.

    \b
      broker tickets list --status open --account 111122223333
    """
    with target.broker() as broker:
        found = [
            ticket
            for ticket in every(broker.list_tickets, ListQuery())
            if status in (None, ticket.status)
            and (account is None or account in ticket.account_ids)
        ]
    tell(TicketPage(items=found, next=None), print_tickets, as_json=as_json)


@tickets.command(epilog=EXIT_CODES)
@_ticket
@calls_the_broker
def show(*, ticket_id: TicketId, target: Target, as_json: bool) -> None:
    """Show one ticket: which accounts it is for, and who works on it.

    \b
      broker tickets show T-1042
    """
    with target.broker() as broker:
        answer = broker.show_ticket(ticket_id)
    tell(answer, print_ticket, as_json=as_json)


@tickets.command(epilog=EXIT_CODES)
@_ticket
@click.option(
    "--account",
    "accounts",
    type=_ACCOUNT,
    multiple=True,
    required=True,
    help="An account that it is for; may be given again.",
)
@click.option("--subject", default="", help="What it is about; the customer reads it.")
@click.option(
    "--assignee",
    "assignees",
    type=Parsed(EngineerId, "engineer"),
    multiple=True,
    help="Who works on it; may be given again. Without it, any engineer.",
)
@calls_the_broker
def put(
    *,
    ticket_id: TicketId,
    accounts: tuple[AccountId, ...],
    subject: str,
    assignees: tuple[EngineerId, ...],
    target: Target,
    as_json: bool,
) -> None:
    """Tell the broker of an open ticket, whole: what was told of it before is replaced.

    What it no longer says ends: sessions in an account that was taken off it, and of who was.

    \b
      broker tickets put T-1042 --account 111122223333 --subject "Slow queries" --assignee jane
    """
    body = TicketBody(
        account_ids=list(accounts),
        subject=subject,
        status=TicketStatus.OPEN,
        assignees=list(assignees),
    )
    with target.broker() as broker:
        answer = broker.write_ticket(ticket_id, body)
    tell(answer, print_ticket, as_json=as_json)


@tickets.command(epilog=EXIT_CODES)
@_ticket
@calls_the_broker
def close(*, ticket_id: TicketId, target: Target, as_json: bool) -> None:
    """Close a ticket: what was granted for it ends, with its live sessions.

    \b
      broker tickets close T-1042
    """
    with target.broker() as broker:
        told = broker.show_ticket(ticket_id)
        body = TicketBody(
            account_ids=[AccountId(each) for each in told.account_ids],
            subject=told.subject,
            status=TicketStatus.CLOSED,
            assignees=[EngineerId(each) for each in told.assignees],
        )
        answer = broker.write_ticket(ticket_id, body)
    tell(answer, print_ticket, as_json=as_json)
