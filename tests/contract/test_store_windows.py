"""Sliding windows: never more than the limit in any stretch of time, whoever asks and however."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import pytest

from broker.domain.limits import Counted, Limit, Window
from broker.errors import DependencyUnavailable
from broker.store import Store, open_store
from broker.store.scripts import script
from tests.contract.store_servers import (
    PERSISTENT,
    RunningServer,
    on_socket,
    redis_server_binary,
    until,
)
from tests.contract.store_wire import LossyWire
from tests.contract.window_taker import CONTESTED, PLACES, start_taker

HOUR = timedelta(hours=1)
SECOND = 1_000_000


def a_window(count: int = 3, period: timedelta = HOUR, subject: str = "ann") -> Window:
    return Window(Counted.SESSIONS_OF_ENGINEER, subject, Limit(count, period))


def key_of(store: Store, window: Window) -> str:
    keyspace = store.windows._keyspace
    return str(keyspace.window(window.counted, window.subject))


def taken_at(store: Store, window: Window) -> list[int]:
    """The times of the places taken, in microseconds, the oldest first."""
    flat = store._connection.send("ZRANGE", key_of(store, window), 0, -1, "WITHSCORES")
    return [int(score) for score in flat[1::2]]


def age(store: Store, window: Window, microseconds: int) -> None:
    """Let time pass for what is taken, which is to say: take it that much earlier."""
    key = key_of(store, window)
    for place in store._connection.send("ZRANGE", key, 0, -1):
        store._connection.send("ZINCRBY", key, -microseconds, place)


def now_at(store: Store) -> int:
    seconds, microseconds = store._connection.send("TIME")
    return int(seconds) * SECOND + int(microseconds)


def fill(store: Store, window: Window) -> None:
    for _ in range(window.limit.count):
        assert store.windows.take(window) is None


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RunningServer]:
    with on_socket(tmp_path, binary=redis_server_binary(), options=PERSISTENT) as running:
        yield running


def test_there_are_as_many_places_as_the_limit_says(store: Store) -> None:
    """And each subject, and each thing that is counted, has its own."""
    fill(store, a_window(3))
    full = store.windows.take(a_window(3))
    assert full is not None
    assert full.window == a_window(3)
    assert store.windows.take(a_window(3, subject="bob")) is None
    other = Window(Counted.GRANTS_OF_ENGINEER, "ann", Limit(3, HOUR))
    assert store.windows.take(other) is None


def test_a_place_is_free_again_after_the_period(store: Store) -> None:
    """Not at a full hour of some clock, and not a microsecond before."""
    window = a_window(1, timedelta(milliseconds=80))
    fill(store, window)
    (taken,) = taken_at(store, window)
    until(lambda: store.windows.look(window) is None)
    assert now_at(store) >= taken + 80_000


def test_the_window_slides(store: Store) -> None:
    """Three places taken at different times get free one by one, never all at once."""
    window = a_window(3)
    for _ in range(3):
        assert store.windows.take(window) is None
        age(store, window, 1000 * SECOND)
    # They are 3000, 2000 and 1000 seconds old; after 600 more, one is gone.
    assert store.windows.look(window) is not None
    age(store, window, 600 * SECOND)
    assert store.windows.take(window) is None
    assert store.windows.take(window) is not None
    age(store, window, 1000 * SECOND)
    assert store.windows.take(window) is None
    assert store.windows.take(window) is not None


def test_the_wait_is_told_to_the_second(store: Store) -> None:
    """Retry-After is the first whole second at which there is a place."""
    window = a_window(2)
    assert store.windows.take(window) is None
    age(store, window, 1000 * SECOND)
    assert store.windows.take(window) is None
    before = now_at(store)
    full = store.windows.take(window)
    after = now_at(store)
    assert full is not None
    free_at = taken_at(store, window)[0] + 3600 * SECOND
    wait = full.wait // timedelta(microseconds=1)
    assert free_at - after <= wait <= free_at - before
    assert (full.retry_after - 1) * SECOND < wait <= full.retry_after * SECOND
    assert full.retry_after in (2599, 2600)
    age(store, window, full.retry_after * SECOND - 2 * SECOND)
    assert store.windows.look(window) is not None
    age(store, window, 2 * SECOND)
    assert store.windows.take(window) is None


def test_several_windows_give_places_all_or_none(store: Store) -> None:
    """A request that one limit refuses uses up nothing of the others."""
    narrow, wide = a_window(1, subject="narrow"), a_window(5, subject="wide")
    for order in ((narrow, wide), (wide, narrow)):
        store.windows.take(*order)
        refused = store.windows.take(*order)
        assert refused is not None
        assert refused.window == narrow
    assert len(taken_at(store, narrow)) == len(taken_at(store, wide)) == 1


def test_a_refusal_costs_no_place(store: Store) -> None:
    """Hammering on a limit does not put off the next place."""
    window = a_window(2)
    fill(store, window)
    taken = taken_at(store, window)
    waits = [store.windows.take(window) for _ in range(50)]
    assert taken_at(store, window) == taken
    told = [full.wait for full in waits if full is not None]
    assert told == sorted(told, reverse=True)
    assert len(told) == 50


def test_of_several_full_windows_the_one_full_for_longest_is_told(store: Store) -> None:
    """Else a caller would come back in time for the one and meet the other."""
    short, long = a_window(1, timedelta(minutes=1), "short"), a_window(1, HOUR, "long")
    assert store.windows.take(short, long) is None
    for order in ((short, long), (long, short)):
        full = store.windows.take(*order)
        assert full is not None
        assert full.window == long


def test_a_limit_that_was_lowered_counts_what_was_taken_before(store: Store) -> None:
    """The wait is until enough of it is gone, not until the oldest place is."""
    for _ in range(5):
        assert store.windows.take(a_window(5)) is None
        age(store, a_window(), 100 * SECOND)
    full = store.windows.take(a_window(2))
    assert full is not None
    # The fourth oldest of five, 200 seconds old, must be gone for one of two places to be free.
    assert full.retry_after == 3400


def test_only_the_first_refusal_in_a_period_is_told_as_the_first(store: Store) -> None:
    """The ledger hears of one in each stretch, and of the next one in the next."""
    window = a_window(1, timedelta(milliseconds=300))
    fill(store, window)
    told = [store.windows.take(window) for _ in range(20)]
    assert [full.first for full in told if full is not None] == [True] + [False] * 19

    def is_told_again() -> bool:
        full = store.windows.take(window)
        return full is not None and full.first

    until(is_told_again)


def test_looking_takes_no_place(store: Store) -> None:
    """But it says who would be refused, and tells the first such answer from the others."""
    window = a_window(1)
    assert store.windows.look(window) is None
    assert taken_at(store, window) == []
    fill(store, window)
    looks = [store.windows.look(window) for _ in range(3)]
    assert [look.first for look in looks if look is not None] == [True, False, False]


def test_looking_goes_on_where_the_server_takes_no_writes(server: RunningServer) -> None:
    """Who guesses is told from who does not also while nothing can be written."""
    with open_store(server.url) as store:
        assert store.windows.take(a_window(2)) is None
        store._connection.send("CONFIG", "SET", "min-replicas-to-write", 1)
        assert store.windows.look(a_window(2)) is None
        with pytest.raises(DependencyUnavailable):
            store.windows.take(a_window(2))


def test_what_is_over_leaves_nothing_behind(store: Store) -> None:
    """A window's keys outlast its last place by a moment, and no longer; nor do places pile up."""
    window = a_window(1, timedelta(seconds=10))
    fill(store, window)
    store.windows.take(window)
    left = store._connection.send("PTTL", key_of(store, window))
    assert 9_000 < left <= 10_001
    refused = store.windows._keyspace.refused_window(window.counted, window.subject)
    assert 9_000 < store._connection.send("PTTL", refused) <= 10_000
    for _ in range(3):
        age(store, window, 10 * SECOND)
        assert store.windows.take(window) is None
    assert len(taken_at(store, window)) == 1


def test_a_key_outlasts_its_places(store: Store) -> None:
    """The server's timers know milliseconds only: a key that ended early would free its places."""
    window = a_window(1, timedelta(milliseconds=100))
    for _ in range(10):
        until(lambda: store.windows.take(window) is None)
        (taken,) = taken_at(store, window)
        ends = store._connection.send("PEXPIRETIME", key_of(store, window))
        assert ends * 1000 >= taken + 100_000


def test_many_processes_together_get_exactly_the_limit(
    store: Store, store_url: str, store_namespace: str
) -> None:
    """200 at once in four processes, for 50 places: 50 get one, however they race."""
    takers = [start_taker(store_url, store_namespace, threads=50) for _ in range(4)]
    for taker in takers:
        assert taker.stdout is not None
        assert taker.stdout.readline() == "ready\n"
    got = []
    for taker in takers:
        assert taker.stdin is not None
        taker.stdin.write("go\n")
        taker.stdin.flush()
    for taker in takers:
        out, _ = taker.communicate(timeout=30)
        got.append(int(out))
    assert sum(got) == PLACES
    assert [len(taken_at(store, window)) for window in CONTESTED] == [PLACES, PLACES]


def test_an_answer_that_got_lost_costs_one_place_and_one_refusal(
    server: RunningServer, tmp_path: Path
) -> None:
    """The connection sends it again; what it did the first time is recognised."""
    with ExitStack() as stack:
        marker = script("take_places").sha.encode()
        wire = stack.enter_context(
            LossyWire(tmp_path, server=server.url.removeprefix("unix://"), marker=marker)
        )
        store = stack.enter_context(open_store(wire.url))
        windows = (a_window(2), a_window(2, subject="bob"))
        assert store.windows.take(*windows) is None
        wire.lose(2)
        assert store.windows.take(*windows) is None
        assert wire.lost == 2
        assert [len(taken_at(store, window)) for window in windows] == [2, 2]
        wire.lose(1)
        full = store.windows.take(*windows)
        assert wire.lost == 3
        assert full is not None
        assert full.first
