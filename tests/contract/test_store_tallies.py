"""Counts by the hour: added up, found by time, and forgotten by themselves."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from broker.domain.ports import Tally
from broker.store import Store
from broker.store.tallies import KEPT

HOUR = timedelta(hours=1)
NINE = datetime(2026, 3, 29, 9, tzinfo=UTC)


def test_counts_add_up(store: Store) -> None:
    """However many processes tell of the same hour; each name is its own."""
    store.tallies.add([])
    store.tallies.add([Tally(NINE, "opened", 2), Tally(NINE, "refused ticket_closed", 1)])
    store.tallies.add([Tally(NINE, "opened", 3)])
    assert list(store.tallies.between(NINE, NINE + HOUR)) == [
        Tally(NINE, "opened", 5),
        Tally(NINE, "refused ticket_closed", 1),
    ]


def test_a_span_over_midnight(store: Store) -> None:
    """From the first hour to the last but not the one that it ends with, sorted by time."""
    hours = [NINE + number * HOUR for number in range(12, 18)]
    store.tallies.add([Tally(hour, "opened", 1) for hour in reversed(hours)])
    found = store.tallies.between(hours[1], hours[5])
    assert [tally.hour for tally in found] == hours[1:5]
    assert list(store.tallies.between(hours[1], hours[1])) == []
    assert list(store.tallies.between(NINE - HOUR, NINE)) == []


def test_a_day_is_forgotten(store: Store) -> None:
    """Weeks after the last count was added to it."""
    store.tallies.add([Tally(NINE, "opened", 1)])
    key = store.tallies._keyspace.tallies("2026-03-29")
    left = store._connection.send("TTL", key)
    assert KEPT.total_seconds() - 60 < left <= KEPT.total_seconds()
