"""Picking account and ticket in a terminal, from what the broker lists.

Questions are put on standard error: standard output belongs to the credentials.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import TypeVar

import click

from broker import contract
from broker.cli.failures import CommandRefused
from broker.cli.opening.wanted import NamedSession, WantedSession
from broker.client.broker import Broker
from broker.client.paging import every
from broker.contract.base import ListQuery
from broker.domain.accounts import AccountState, Consent
from broker.domain.identifiers import AccountId
from broker.domain.plain_text import plain
from broker.domain.tickets import TicketStatus

Listed = TypeVar("Listed")

Ask = Callable[[str, Sequence[str]], int]
"""Puts a question with labelled choices to whoever sits there; the index of what they chose."""


def has_terminal() -> bool:
    """Whether somebody can be asked: what is typed and what is shown are both a terminal."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def named(wanted: WantedSession, broker: Broker) -> NamedSession:
    """The session with its account and ticket; what is missing is asked for.

    Raises UsageError where nobody can be asked, CommandRefused where there is nothing to pick,
    Abort where nothing is picked, and ClientError.
    """
    if wanted.account_id is not None and wanted.ticket is not None:
        return wanted.at(wanted.account_id, wanted.ticket)
    if not has_terminal():
        missing = "--account" if wanted.account_id is None else "--ticket"
        raise click.UsageError(
            f"Missing option '{missing}'. Give --account and --ticket, "
            "or run this in a terminal and pick them."
        )
    return picked(wanted, broker, ask=_at_the_terminal)


def picked(wanted: WantedSession, broker: Broker, *, ask: Ask) -> NamedSession:
    """As `named`, whoever is asked. The ticket comes last: it is one of the account's."""
    tickets = _open_tickets(wanted, broker)
    account_id = wanted.account_id or _account(tickets, broker, ask=ask)
    if wanted.ticket is not None:
        return wanted.at(account_id, wanted.ticket)
    fitting = [ticket for ticket in tickets if account_id in ticket.account_ids]
    if not fitting:
        raise CommandRefused(f"No open ticket of yours is for account {account_id}.")
    return wanted.at(account_id, _one_of("Ticket", fitting, label=_ticket_label, ask=ask).id)


def _open_tickets(wanted: WantedSession, broker: Broker) -> Sequence[contract.tickets.TicketAnswer]:
    """Those that the caller may work on: the broker lists no others to an engineer."""
    if wanted.ticket is not None:
        return [broker.show_ticket(wanted.ticket)]
    listed = every(broker.list_tickets, ListQuery())
    found = [ticket for ticket in listed if ticket.status is TicketStatus.OPEN]
    if not found:
        raise CommandRefused(
            "No open ticket is yours. Ask to be assigned to one, or name one with --ticket."
        )
    return found


def _account(
    tickets: Sequence[contract.tickets.TicketAnswer], broker: Broker, *, ask: Ask
) -> AccountId:
    """One that a ticket is for."""
    concerned = {account_id for ticket in tickets for account_id in ticket.account_ids}
    listed = every(broker.list_accounts, ListQuery())
    found = [account for account in listed if account.account_id in concerned]
    if not found:
        raise CommandRefused("None of these tickets is for an account that is registered.")
    return _one_of("Account", found, label=_account_label, ask=ask).account_id


def _one_of(
    question: str, listed: Sequence[Listed], *, label: Callable[[Listed], str], ask: Ask
) -> Listed:
    """The one that is chosen; where there is one only, that, and it is said."""
    labels = [label(each) for each in listed]
    if len(listed) == 1:
        click.echo(f"{question}: {labels[0]}", err=True)
        return listed[0]
    return listed[ask(question, labels)]


def _account_label(account: contract.accounts.AccountAnswer) -> str:
    remarks = [] if account.state is AccountState.ACTIVE else [account.state.value]
    match account.consent:
        case Consent.PER_GRANT:
            remarks.append("each access is approved")
        case Consent.OFF:
            remarks.append("access is off")
    behind = f" ({', '.join(remarks)})" if remarks else ""
    return plain(f"{account.account_id}  {account.customer}{behind}")


def _ticket_label(ticket: contract.tickets.TicketAnswer) -> str:
    return plain(f"{ticket.id}  {ticket.subject}").rstrip()


def _at_the_terminal(question: str, labels: Sequence[str]) -> int:
    # Imported here: only who picks waits for it.
    import questionary  # noqa: PLC0415
    from prompt_toolkit.output import create_output  # noqa: PLC0415

    chosen: int | None = questionary.select(
        question,
        choices=[questionary.Choice(label, value=index) for index, label in enumerate(labels)],
        use_search_filter=True,
        use_jk_keys=False,
        instruction="(type to filter)",
        output=create_output(stdout=sys.stderr),
    ).unsafe_ask()
    if chosen is None:
        raise click.Abort
    return chosen
