"""Grants: of an engineer and of a ticket until a day after their end, in lists for ever."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from broker.domain.identifiers import AccountId, EngineerId, TicketId
from broker.domain.ports import Save, Versioned
from broker.store import Store
from broker.store.grants import REMEMBERED
from tests.contract.store_samples import ANN, NOW, ONE, TWO, a_grant, records_of, write

BOB = EngineerId("bob@example.com")
MOMENT = timedelta(milliseconds=1)


def test_grants_of_others_and_elsewhere_are_not_found(store: Store) -> None:
    write(store, a_grant(1), a_grant(2, engineer=BOB))
    write(store, a_grant(3, account_id=TWO))
    assert records_of(store.grants.of_engineer(ONE, ANN)) == (a_grant(1),)


def test_a_grant_is_found_until_a_day_after_its_end(store: Store) -> None:
    just = a_grant(1, expires_at=NOW - REMEMBERED + MOMENT)
    long_over = a_grant(2, expires_at=NOW - REMEMBERED)
    write(store, just, long_over)
    assert records_of(store.grants.of_engineer(ONE, ANN)) == (just,)


def test_a_forgotten_grant_leaves_the_index_but_not_the_store(store: Store) -> None:
    long_over = a_grant(expires_at=NOW - timedelta(days=30))
    write(store, long_over)
    store.grants.of_engineer(ONE, ANN)
    keyspace = store.grants._keyspace
    assert store._connection.send("ZCARD", keyspace.grants_of(ONE, ANN)) == 0
    assert store._connection.send("EXISTS", keyspace.grant(ONE, long_over.grant_id)) == 1


def test_a_grant_that_is_prolonged_is_found_again(store: Store) -> None:
    write(store, a_grant(expires_at=NOW - timedelta(days=30)))
    store.grants.of_engineer(ONE, ANN)
    prolonged = a_grant(expires_at=NOW + timedelta(hours=1))
    write(store, prolonged, expected=1)
    assert records_of(store.grants.of_engineer(ONE, ANN)) == (prolonged,)


def test_a_grant_is_found_by_its_id(store: Store) -> None:
    write(store, a_grant(1, expires_at=NOW - timedelta(days=30)))
    assert store.grants.get(a_grant(1).grant_id) == Versioned(
        a_grant(1, expires_at=NOW - timedelta(days=30)), version=1
    )
    assert store.grants.get(a_grant(2).grant_id) is None


def test_grants_of_a_ticket_are_found_in_all_accounts(store: Store) -> None:
    here, there = a_grant(1), a_grant(2, account_id=TWO, engineer=BOB)
    write(store, here, a_grant(3, ticket_id=TicketId("T-0002")))
    write(store, there)
    assert set(records_of(store.grants.of_ticket(here.ticket_id))) == {here, there}


def test_a_ticket_forgets_a_grant_a_day_after_its_latest_end(store: Store) -> None:
    request = a_grant(expires_at=NOW - REMEMBERED)
    write(store, request)
    prolonged = replace(request, expires_at=NOW - REMEMBERED + MOMENT)
    write(store, prolonged, expected=1)
    ended = replace(prolonged, expires_at=NOW - timedelta(days=30))
    write(store, ended, expected=2)
    assert records_of(store.grants.of_ticket(request.ticket_id)) == (ended,)


def test_a_grant_announced_but_never_written_is_passed_over(store: Store) -> None:
    write(store, a_grant(1))
    store.journal._announcements.announce(Save(a_grant(2), 0), now=NOW)
    assert records_of(store.grants.of_ticket(a_grant().ticket_id)) == (a_grant(1),)
    page = store.grants.page(account_ids=None, engineer=None, cursor=None, limit=10)
    assert page.items == (a_grant(1),)
    assert store.grants.get(a_grant(2).grant_id) is None


@pytest.mark.parametrize(
    ("account_ids", "engineer", "numbers"),
    [
        (None, None, [4, 3, 2, 1]),
        ([ONE], None, [3, 2, 1]),
        ([ONE, TWO], BOB, [4, 3]),
        ([TWO], BOB, [4]),
        ([TWO], ANN, []),
        ([], None, []),
    ],
)
def test_grants_are_listed_newest_first_under_every_filter(
    store: Store,
    account_ids: list[AccountId] | None,
    engineer: EngineerId | None,
    numbers: list[int],
) -> None:
    grants = {
        number: a_grant(number, created_at=NOW + number * MOMENT, engineer=engineer_of)
        for number, engineer_of in ((1, ANN), (2, ANN), (3, BOB))
    }
    grants[4] = a_grant(4, created_at=NOW + 4 * MOMENT, engineer=BOB, account_id=TWO)
    write(store, *(grants[number] for number in (1, 2, 3)))
    write(store, grants[4])
    listed, cursor = [], None
    while True:
        page = store.grants.page(account_ids=account_ids, engineer=engineer, cursor=cursor, limit=2)
        listed += page.items
        cursor = page.next
        if cursor is None:
            break
    assert listed == [grants[number] for number in numbers]
