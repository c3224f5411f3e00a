"""Idempotency keys: one request has one effect, and its answer is kept for a day."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from broker.domain.ports import Begun, Finished, InProgress, Reused
from broker.store import Store
from broker.store.idempotency import CLAIMED, KEPT


def milliseconds_left(store: Store, key: str) -> int:
    name = store.idempotency._keyspace.answer(key)
    left: int = store._connection.send("PTTL", name)
    return left


def test_the_first_request_begins_and_the_second_meets_it(store: Store) -> None:
    assert store.idempotency.begin("k", fingerprint="f") == Begun()
    assert store.idempotency.begin("k", fingerprint="f") == InProgress()
    assert store.idempotency.begin("other", fingerprint="f") == Begun()


def test_of_many_at_once_one_begins(store: Store) -> None:
    with ThreadPoolExecutor(8) as pool:
        states = list(pool.map(lambda _: store.idempotency.begin("k", fingerprint="f"), range(8)))
    assert states.count(Begun()) == 1
    assert states.count(InProgress()) == 7


@pytest.mark.parametrize(
    "answer", [Finished(201, '{"id":"ü"}'), Finished(200, ""), Finished(201, None)]
)
def test_the_answer_is_given_again(store: Store, answer: Finished) -> None:
    store.idempotency.begin("k", fingerprint="f")
    store.idempotency.finish("k", answer)
    assert store.idempotency.begin("k", fingerprint="f") == answer


def test_another_request_with_the_key_is_told(store: Store) -> None:
    store.idempotency.begin("k", fingerprint="f")
    assert store.idempotency.begin("k", fingerprint="g") == Reused()
    store.idempotency.finish("k", Finished(200, "{}"))
    assert store.idempotency.begin("k", fingerprint="g") == Reused()


def test_an_abandoned_key_is_free_again(store: Store) -> None:
    store.idempotency.begin("k", fingerprint="f")
    store.idempotency.abandon("k")
    assert store.idempotency.begin("k", fingerprint="g") == Begun()


def test_an_answer_without_a_claim_is_not_kept(store: Store) -> None:
    store.idempotency.finish("k", Finished(200, "{}"))
    assert store.idempotency.begin("k", fingerprint="f") == Begun()


def test_a_claim_lapses_and_an_answer_is_kept_for_a_day(store: Store) -> None:
    store.idempotency.begin("k", fingerprint="f")
    assert 0 < milliseconds_left(store, "k") <= CLAIMED.total_seconds() * 1000
    store.idempotency.finish("k", Finished(200, "{}"))
    assert CLAIMED.total_seconds() * 1000 < milliseconds_left(store, "k")
    assert milliseconds_left(store, "k") <= KEPT.total_seconds() * 1000


def test_keys_are_chosen_by_callers_and_kept_as_hashes_only(
    store: Store, store_namespace: str
) -> None:
    store.idempotency.begin("a secret {tag} of theirs", fingerprint="f")
    [name] = store._connection.send("KEYS", f"brk:{store_namespace}:*")
    assert "secret" not in name
