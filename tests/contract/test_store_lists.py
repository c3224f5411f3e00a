"""Lists in parts: complete, in order, filtered, and safe against what a crash leaves behind."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

import pytest

from broker.domain.identifiers import AccountId, EngineerId
from broker.domain.ledger.entries import chain_of
from broker.domain.ports import Page, Save
from broker.domain.sessions import Session
from broker.domain.tickets import Ticket
from broker.errors import InvalidRequest
from broker.store import Store
from broker.store.paging import write_cursor
from tests.contract.store_samples import (
    ANN,
    NOW,
    ONE,
    TWO,
    a_session,
    a_ticket,
    account_id,
    an_account,
    an_api_token,
    an_event,
    write,
)

T = TypeVar("T")
BOB = EngineerId("bob@example.com")
THREE = account_id(3)


def everything(page: Callable[[str | None], Page[T]], *, limit: int) -> list[T]:
    """All parts of a list, which are full except for the last."""
    part = page(None)
    found = list(part.items)
    while part.next is not None:
        assert len(part.items) == limit
        part = page(part.next)
        found += part.items
    return found


def five_hundred_sessions(store: Store) -> list[Session]:
    """Sessions of two engineers in three accounts, four in each millisecond, newest first."""
    sessions = [
        a_session(
            number,
            account_id=(ONE, TWO, THREE)[number % 3],
            engineer=(ANN, BOB)[number % 2],
            issued_at=NOW + timedelta(milliseconds=number // 4),
        )
        for number in range(500)
    ]
    for account in (ONE, TWO, THREE):
        of_account = [session for session in sessions if session.account_id == account]
        saves = [Save(session, 0) for session in of_account]
        store.journal.record(chain_of(account), an_event(), now=NOW, saves=saves)
    return sorted(sessions, key=_position, reverse=True)


def _position(session: Session) -> tuple[object, str, str]:
    return session.issued_at, session.account_id, session.session_id


@pytest.mark.parametrize(
    ("accounts", "engineer"),
    [
        (None, None),
        (None, ANN),
        ([ONE], None),
        ([ONE, THREE], None),
        ([TWO, THREE], BOB),
        ([], None),
        ([], ANN),
        ([account_id(9)], None),
        (None, EngineerId("nobody")),
    ],
)
def test_sessions_are_listed_newest_first_under_every_filter(
    store: Store, accounts: list[AccountId] | None, engineer: EngineerId | None
) -> None:
    expected = [
        session
        for session in five_hundred_sessions(store)
        if (accounts is None or session.account_id in accounts)
        and (engineer is None or session.engineer == engineer)
    ]

    def page(cursor: str | None) -> Page[Session]:
        return store.sessions.page(account_ids=accounts, engineer=engineer, cursor=cursor, limit=37)

    assert everything(page, limit=37) == expected


def test_accounts_are_listed_in_the_order_of_their_ids(store: Store) -> None:
    accounts = [an_account(account_id(number)) for number in (7, 3, 5, 1, 9)]
    for account in accounts:
        write(store, account)
    found = everything(lambda cursor: store.accounts.page(cursor=cursor, limit=2), limit=2)
    assert found == sorted(accounts, key=lambda account: account.account_id)


def anybody(_: object) -> bool:
    return True


def test_tickets_are_listed_in_the_order_of_their_ids(store: Store) -> None:
    tickets = [a_ticket(number) for number in (7, 3, 5, 1)]
    write(store, *tickets)
    found = everything(
        lambda cursor: store.tickets.page(cursor=cursor, limit=2, shown=anybody), limit=2
    )
    assert found == sorted(tickets, key=lambda ticket: ticket.ticket_id)


def test_a_cursor_names_no_ticket_that_is_not_shown(store: Store) -> None:
    """Of many hidden ones between; each part is as full as it can be."""
    tickets = [a_ticket(number) for number in range(1, 500)]
    for begin in range(0, len(tickets), 100):
        write(store, *tickets[begin : begin + 100])
    few = {ticket.ticket_id: ticket for ticket in tickets if int(ticket.ticket_id[2:]) % 240 == 1}

    def page(cursor: str | None) -> Page[Ticket]:
        return store.tickets.page(cursor=cursor, limit=1, shown=lambda t: t.ticket_id in few)

    assert everything(page, limit=1) == list(few.values())
    cursors = [page(None).next]
    while cursors[-1] is not None:
        cursors.append(page(cursors[-1]).next)
    assert cursors == [write_cursor(ticket_id) for ticket_id in list(few)[:-1]] + [None]


def test_api_tokens_are_listed_in_the_order_of_their_ids(store: Store) -> None:
    tokens = [an_api_token(number) for number in (7, 3, 5)]
    write(store, *tokens)
    found = everything(lambda cursor: store.api_tokens.page(cursor=cursor, limit=2), limit=2)
    assert found == sorted(tokens, key=lambda token: token.token_id)


def test_what_is_added_while_a_list_is_read_disturbs_nothing(store: Store) -> None:
    write(store, *(a_ticket(number) for number in (2, 4, 6)))
    first = store.tickets.page(cursor=None, limit=2, shown=anybody)
    write(store, a_ticket(1), a_ticket(5))
    second = store.tickets.page(cursor=first.next, limit=10, shown=anybody)
    assert [t.ticket_id for t in first.items + second.items] == [
        "T-0002",
        "T-0004",
        "T-0005",
        "T-0006",
    ]


BAD_CURSORS = ["", "!", "AA", "é", "T-0001", "KA", "LSBpbmY", "_" * 300]


@pytest.mark.parametrize("cursor", BAD_CURSORS)
def test_a_cursor_that_is_none_of_ours_is_the_callers_mistake(store: Store, cursor: str) -> None:
    with pytest.raises(InvalidRequest) as accounts:
        store.accounts.page(cursor=cursor, limit=1)
    assert accounts.value.problems[0].field == "cursor"
    with pytest.raises(InvalidRequest):
        store.sessions.page(account_ids=None, engineer=None, cursor=cursor, limit=1)
    with pytest.raises(InvalidRequest):
        store.api_tokens.page(cursor=cursor, limit=1)


def test_a_session_announced_but_never_written_is_passed_over(store: Store) -> None:
    """A process died between the two steps of a write."""
    write(store, a_session(1))
    store.journal._announcements.announce(Save(a_session(2), 0), now=NOW)
    page = store.sessions.page(account_ids=None, engineer=None, cursor=None, limit=10)
    assert page == Page(items=(a_session(1),), next=None)
    assert store.sessions.get(a_session(2).session_id) is None


def test_an_account_announced_but_never_written_is_passed_over(store: Store) -> None:
    store.journal._announcements.announce(Save(an_account(ONE), 0), now=NOW)
    write(store, an_account(TWO))
    assert store.accounts.page(cursor=None, limit=10) == Page(items=(an_account(TWO),), next=None)
    assert store.accounts.of_issuer(an_account(ONE).issuer_id) is None
