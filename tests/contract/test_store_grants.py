"""Grants of an engineer: found until a day after their end."""

from __future__ import annotations

from datetime import timedelta

from broker.domain.identifiers import EngineerId
from broker.store import Store
from broker.store.grants import REMEMBERED
from tests.contract.store_samples import ANN, NOW, ONE, TWO, a_grant, write

MOMENT = timedelta(milliseconds=1)


def test_grants_of_others_and_elsewhere_are_not_found(store: Store) -> None:
    write(store, a_grant(1), a_grant(2, engineer=EngineerId("bob@example.com")))
    write(store, a_grant(3, account_id=TWO))
    assert store.grants.of_engineer(ONE, ANN) == (a_grant(1),)


def test_a_grant_is_found_until_a_day_after_its_end(store: Store) -> None:
    just = a_grant(1, expires_at=NOW - REMEMBERED + MOMENT)
    long_over = a_grant(2, expires_at=NOW - REMEMBERED)
    write(store, just, long_over)
    assert store.grants.of_engineer(ONE, ANN) == (just,)


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
    assert store.grants.of_engineer(ONE, ANN) == (prolonged,)
