"""Leases: one holder at a time, and a number by which a late one is told."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

from broker.domain.ports import Lease
from broker.store import Store
from tests.contract.store_servers import until

LONG = timedelta(minutes=5)
SHORT = timedelta(milliseconds=30)


def test_a_lease_is_held_by_one(store: Store) -> None:
    assert store.leases.acquire("work", holder="a", ttl=LONG) is not None
    assert store.leases.acquire("work", holder="b", ttl=LONG) is None
    assert store.leases.acquire("other work", holder="b", ttl=LONG) is not None


def test_of_many_who_want_it_one_gets_it(store: Store) -> None:
    with ThreadPoolExecutor(8) as pool:
        leases = list(
            pool.map(lambda n: store.leases.acquire("work", holder=str(n), ttl=LONG), range(8))
        )
    assert len([lease for lease in leases if lease is not None]) == 1


def test_a_lease_ends_by_itself_and_the_number_grows(store: Store) -> None:
    first = store.leases.acquire("work", holder="a", ttl=SHORT)
    later: list[Lease] = []

    def taken_over() -> bool:
        lease = store.leases.acquire("work", holder="b", ttl=LONG)
        later.extend([lease] if lease is not None else [])
        return bool(later)

    until(taken_over)
    assert first is not None
    assert later[0].fencing > first.fencing


def test_a_lease_that_is_given_back_is_free(store: Store) -> None:
    first = store.leases.acquire("work", holder="a", ttl=LONG)
    assert first is not None
    store.leases.release(first)
    second = store.leases.acquire("work", holder="b", ttl=LONG)
    assert second is not None
    assert second.fencing > first.fencing


def test_the_holder_gets_it_anew_and_its_earlier_lease_no_longer_counts(store: Store) -> None:
    first = store.leases.acquire("work", holder="a", ttl=LONG)
    second = store.leases.acquire("work", holder="a", ttl=LONG)
    assert first is not None
    assert second is not None
    assert second.fencing > first.fencing
    store.leases.release(first)
    assert store.leases.acquire("work", holder="b", ttl=LONG) is None


def test_a_strangers_release_is_ignored(store: Store) -> None:
    lease = store.leases.acquire("work", holder="a", ttl=LONG)
    assert lease is not None
    store.leases.release(replace(lease, holder="b"))
    store.leases.release(Lease(name="unknown", holder="b", fencing=1))
    assert store.leases.acquire("work", holder="b", ttl=LONG) is None


def test_a_lease_that_is_renewed_holds_on(store: Store) -> None:
    lease = store.leases.acquire("work", holder="a", ttl=timedelta(seconds=1))
    assert lease is not None
    assert store.leases.renew(lease, ttl=LONG)
    key = store.leases._keyspace.lease("work")
    assert store._connection.send("PTTL", key) > 60_000
    assert store.leases.acquire("work", holder="b", ttl=LONG) is None


def test_only_the_lease_that_was_given_out_is_renewed(store: Store) -> None:
    """One that lapsed stays lapsed, whoever has it now."""
    first = store.leases.acquire("work", holder="a", ttl=LONG)
    assert first is not None
    store.leases.release(first)
    assert not store.leases.renew(first, ttl=LONG)
    second = store.leases.acquire("work", holder="b", ttl=LONG)
    assert second is not None
    assert not store.leases.renew(first, ttl=LONG)
    assert not store.leases.renew(replace(second, holder="a"), ttl=LONG)
