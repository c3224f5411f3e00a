"""What an append to the ledger costs, and whether that depends on the length of the chain.

All of it on one embedded store, which writes to disk before it answers. An append is one event
with the record that it explains: a sealed entry, a compare-and-set and an index, in one step;
beside it stands one `SET` of as many bytes. Length is judged by appends to a chain of 40,000
entries in turns with appends to a new one, until each has 10,000 more.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from time import perf_counter

from redis import Redis

from benchmarks.comparison import Bound, Comparison, Goal, Measure, in_turns
from benchmarks.samples import NOW, grant, granted
from broker.domain.identifiers import AccountId
from broker.domain.ledger.entries import chain_of
from broker.domain.ports import Save
from broker.store import Store, ledger_entries, open_store, records

_LONG = AccountId.parse("1" * 12)
_NEW = AccountId.parse("2" * 12)
_GROWN_TO = 40_000
_MEASURED = 10_000
_AT_ONCE = 500


def run(rounds: int) -> Iterator[Comparison]:
    """Append against SET, then the end of a long chain against the beginning of a new one."""
    with tempfile.TemporaryDirectory() as folder, open_store(f"embedded:{folder}/store") as store:
        socket_path = str(Path(folder) / "store" / "store.sock")
        with Redis(unix_socket_path=socket_path) as redis:
            yield _against_set(store, redis, rounds)
        yield _long_against_new(store)


def _against_set(store: Store, redis: Redis, rounds: int) -> Comparison:
    account_id = AccountId.parse("3" * 12)
    append = _appending(store, account_id)
    append()
    value = b"x" * _bytes_of_an_append(store, account_id)
    numbers = count()
    return Comparison(
        what="ledger: append with a record",
        against=f"SET of {len(value)} bytes",
        unit="ms",
        rounds=in_turns(
            _mean_of(append, 500),
            _mean_of(lambda: redis.set(f"bare:{next(numbers)}", value), 500),
            rounds=rounds,
        ),
    )


def _long_against_new(store: Store) -> Comparison:
    _grow(store, _LONG, _GROWN_TO)
    rounds = _MEASURED // _AT_ONCE - 1  # Warming up takes a round of its own.
    return Comparison(
        what=f"ledger: {_MEASURED:,} appends after {_GROWN_TO:,}",
        against="in a new chain",
        unit="ms",
        rounds=in_turns(
            _mean_of(_appending(store, _LONG, first=_GROWN_TO + 1), _AT_ONCE),
            _mean_of(_appending(store, _NEW), _AT_ONCE),
            rounds=rounds,
        ),
        goal=Goal(Bound.AT_MOST, 1.2),
    )


def _mean_of(operation: Callable[[], object], times: int) -> Measure:
    """The mean cost of `operation` in milliseconds."""

    def measure() -> float:
        begun = perf_counter()
        for _ in range(times):
            operation()
        return (perf_counter() - begun) / times * 1_000

    return measure


def _appending(store: Store, account_id: AccountId, *, first: int = 1) -> Callable[[], object]:
    numbers = count(first)
    return lambda: _append(store, account_id, next(numbers))


def _append(store: Store, account_id: AccountId, *numbers: int) -> object:
    grants = [grant(account_id, number) for number in numbers]
    return store.journal.record(
        chain_of(account_id),
        *(granted(made) for made in grants),
        now=NOW,
        saves=[Save(made, expected=0) for made in grants],
    )


def _grow(store: Store, account_id: AccountId, entries: int) -> None:
    """Bring a chain to this length, many entries in one step."""
    for start in range(1, entries + 1, _AT_ONCE):
        _append(store, account_id, *range(start, start + _AT_ONCE))


def _bytes_of_an_append(store: Store, account_id: AccountId) -> int:
    """The length of what one append keeps: the entry and the record."""
    (entry,) = store.journal.entries(chain_of(account_id), after=0, limit=1)
    return len(ledger_entries.encode(entry)) + len(records.encode(grant(account_id, 1)))
