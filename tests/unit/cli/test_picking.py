"""Picking account and ticket: only what the engineer may work on is offered."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, cast

import click
import pytest
from click.testing import CliRunner

from broker.cli.failures import CommandRefused
from broker.cli.opening.picking import named, picked
from broker.cli.opening.wanted import WantedSession, names_a_session
from broker.client.broker import Broker
from broker.contract.accounts import AccountAnswer, AccountPage
from broker.contract.tickets import TicketAnswer, TicketPage
from broker.domain.identifiers import AccountId, TicketId

HARBOUR, ORCHARD = AccountId.parse("111122223333"), AccountId.parse("444455556666")
NOW = datetime(2026, 11, 3, 12, 0, tzinfo=UTC)


def account(account_id: AccountId, customer: str, **said: Any) -> AccountAnswer:
    return AccountAnswer.model_validate(
        {
            "account_id": account_id,
            "partition": "aws",
            "customer": customer,
            "payer": False,
            "profile": "metadata",
            "consent": "standing",
            "state": "active",
            "issuer": "https://broker.example.com/oidc/x",
            "external_id": None,
            "launch_url": None,
            "template_version": None,
            "last_error": None,
            "checkpoint_bucket": None,
            "checkpoint_error": None,
            "next_check_at": None,
            "created_at": NOW,
            "keys": [],
            **said,
        }
    )


def ticket(ticket_id: str, *account_ids: AccountId, **said: Any) -> TicketAnswer:
    return TicketAnswer.model_validate(
        {
            "id": TicketId.parse(ticket_id),
            "account_ids": list(account_ids),
            "subject": f"Subject of {ticket_id}",
            "status": "open",
            "assignees": [],
            "updated_at": NOW,
            **said,
        }
    )


class Listing:
    """A broker that lists these, each on a part of its own."""

    def __init__(self, accounts: Sequence[AccountAnswer], tickets: Sequence[TicketAnswer]) -> None:
        self._accounts, self._tickets = accounts, tickets

    def list_accounts(self, query: Any) -> AccountPage:
        at = int(query.cursor or 0)
        more = str(at + 1) if at + 1 < len(self._accounts) else None
        return AccountPage(items=list(self._accounts[at : at + 1]), next=more)

    def list_tickets(self, query: Any) -> TicketPage:
        del query
        return TicketPage(items=list(self._tickets), next=None)

    def show_ticket(self, ticket_id: TicketId) -> TicketAnswer:
        return next(each for each in self._tickets if each.id == ticket_id)


class Person:
    """Somebody at the terminal, who chooses by a word, and remembers what was offered."""

    def __init__(self, *words: str) -> None:
        self._words = list(words)
        self.offered: list[tuple[str, list[str]]] = []

    def __call__(self, question: str, labels: Sequence[str]) -> int:
        self.offered.append((question, list(labels)))
        word = self._words.pop(0)
        return next(index for index, label in enumerate(labels) if word in label)


def wanted(*, account_id: AccountId | None = None, ticket: str | None = None) -> WantedSession:
    return WantedSession(
        account_id=account_id,
        ticket=None if ticket is None else TicketId.parse(ticket),
        access=None,
        reason="",
        duration_seconds=None,
        services=(),
        grant_id=None,
    )


def pick(person: Person, want: WantedSession, listing: Listing) -> tuple[str, str]:
    found = picked(want, cast(Broker, listing), ask=person)
    return found.account_id, found.ticket


BOTH = [account(HARBOUR, "Harbour Bank"), account(ORCHARD, "Orchard Foods")]


def test_the_account_is_asked_for_first_and_then_its_tickets():
    """Accounts go by the customer's name; of the tickets only the account's own are offered."""
    listing = Listing(
        BOTH, [ticket("T-1", HARBOUR), ticket("T-2", ORCHARD), ticket("T-3", ORCHARD)]
    )
    person = Person("Orchard", "T-3")
    assert pick(person, wanted(), listing) == (ORCHARD, "T-3")
    assert person.offered == [
        ("Account", ["111122223333  Harbour Bank", "444455556666  Orchard Foods"]),
        ("Ticket", ["T-2  Subject of T-2", "T-3  Subject of T-3"]),
    ]


def test_what_cannot_be_worked_on_is_not_offered():
    """No closed ticket, and no account without an open one."""
    closed = ticket("T-1", HARBOUR, status="closed")
    person = Person("T-3")
    listing = Listing(BOTH, [closed, ticket("T-2", ORCHARD), ticket("T-3", ORCHARD)])
    assert pick(person, wanted(), listing) == (ORCHARD, "T-3")
    assert person.offered == [("Ticket", ["T-2  Subject of T-2", "T-3  Subject of T-3"])]


@pytest.mark.parametrize(
    ("said", "label"),
    [
        ({"state": "degraded"}, "111122223333  Harbour Bank (degraded)"),
        ({"consent": "per_grant"}, "111122223333  Harbour Bank (each access is approved)"),
        (
            {"state": "removing", "consent": "off"},
            "111122223333  Harbour Bank (removing, access is off)",
        ),
    ],
)
def test_the_state_of_an_account_is_seen_before_it_is_chosen(said, label):
    """Whoever picks it knows what the broker will say."""
    listing = Listing(
        [account(HARBOUR, "Harbour Bank", **said), BOTH[1]],
        [ticket("T-1", HARBOUR), ticket("T-2", ORCHARD)],
    )
    person = Person("Harbour")
    pick(person, wanted(), listing)
    assert person.offered[0][1][0] == label


def test_the_only_one_is_taken_and_said(capsys):
    """Nobody is asked a question with one answer, nor left in the dark, nor is stdout touched."""
    listing = Listing(BOTH[:1], [ticket("T-1", HARBOUR)])
    assert pick(Person(), wanted(), listing) == (HARBOUR, "T-1")
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err == "Account: 111122223333  Harbour Bank\nTicket: T-1  Subject of T-1\n"


def test_a_ticket_that_is_named_narrows_the_accounts():
    """Accounts that it is not for are not offered, and it is not asked for."""
    other = AccountId.parse("777788889999")
    listing = Listing(
        [*BOTH, account(other, "Other")], [ticket("T-1", HARBOUR, ORCHARD), ticket("T-2", other)]
    )
    person = Person("Orchard")
    assert pick(person, wanted(ticket="T-1"), listing) == (ORCHARD, "T-1")
    assert [question for question, _ in person.offered] == ["Account"]


def test_subjects_cannot_steer_the_terminal():
    """A customer writes subjects; escape sequences in them are spaces."""
    hostile = ticket("T-1", HARBOUR, subject="\x1b[2J\x07Invoices")
    person = Person("T-1")
    pick(person, wanted(), Listing(BOTH[:1], [hostile, ticket("T-2", HARBOUR)]))
    assert person.offered[0][1][0] == "T-1   [2J Invoices"


@pytest.mark.parametrize(
    ("tickets", "said"),
    [
        ([], "No open ticket is yours."),
        ([ticket("T-1", AccountId.parse("999999999999"))], "None of these tickets is for"),
    ],
)
def test_nothing_to_pick_is_a_refusal_with_a_way_out(tickets, said):
    """An empty list is not shown as a question."""
    with pytest.raises(CommandRefused, match=said):
        pick(Person(), wanted(), Listing(BOTH, tickets))


def test_an_account_without_a_ticket_is_a_refusal():
    """The account was named, and nothing is open for it."""
    with pytest.raises(CommandRefused, match=f"No open ticket of yours is for account {ORCHARD}"):
        pick(Person(), wanted(account_id=ORCHARD), Listing(BOTH, [ticket("T-1", HARBOUR)]))


@pytest.mark.parametrize(
    ("given", "missing"),
    [(["--ticket", "T-1"], "--account"), (["--account", HARBOUR], "--ticket")],
)
def test_without_a_terminal_both_ways_are_named(given, missing):
    """A script is not asked: it is told which option is missing, and what a person could do."""

    @click.command()
    @names_a_session
    def command(*, wanted: WantedSession) -> None:
        named(wanted, cast(Broker, Listing([], [])))

    ran = CliRunner().invoke(command, given)
    assert ran.exit_code == 2
    assert f"Missing option '{missing}'. Give --account and --ticket" in ran.output
    assert "run this in a terminal and pick them" in ran.output


def test_what_is_not_said_is_not_sent():
    """Duration, services and grant stay the broker's to choose; nothing is sent as empty."""
    body = wanted().at(HARBOUR, TicketId.parse("T-1")).body()
    assert body.model_dump(mode="json", exclude_unset=True) == {
        "account_id": HARBOUR,
        "ticket": "T-1",
        "access": "read",
    }
