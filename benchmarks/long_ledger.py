"""A ledger of a million entries: whether appending, exporting and verifying bear its length.

All of it on one embedded store, which writes to disk before it answers. Appends to the long chain
are measured in turns with appends to a new one, single entries both, so that whatever else the
machine does meets both alike; the chain is grown to that length many entries at a time. Exports run
in a process of their own, for its peak memory, beside the bare reading of the same stream.

`python -m benchmarks.long_ledger` takes some minutes for a million; `make bench` does with less.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from itertools import count
from pathlib import Path
from time import perf_counter, process_time

import click
from rich.console import Console

from benchmarks import report
from benchmarks.comparison import (
    BenchmarkFailed,
    Bound,
    Comparison,
    Goal,
    Measure,
    Rounds,
    in_turns,
)
from benchmarks.samples import NOW, grant, granted
from broker.domain.identifiers import AccountId
from broker.domain.ledger.entries import Head, chain_of
from broker.domain.ledger.verification import Verification, checkpointed
from broker.services.ledger.lines import ENTRIES_AT_ONCE, LedgerLines, Stretch
from broker.store import Store, open_store

ENTRIES = 100_000
"""The length where none is said."""

MEASURED = 10_000
"""Appends to each chain that are measured."""

WANTED = 100_000
"""Entries to verify in a second on one core."""

_AT_ONCE = 500
_THIS = "benchmarks.long_ledger"
_LONG, _NEW, _SHORT = (AccountId.parse(digit * 12) for digit in "123")


def run(rounds: int, *, entries: int = ENTRIES) -> Iterator[Comparison]:
    """Append, export and verify at this length, beside what has none."""
    if entries < 2 * MEASURED:
        raise BenchmarkFailed(f"a ledger of fewer than {2 * MEASURED:,} entries is not long")
    with tempfile.TemporaryDirectory() as folder:
        url = f"embedded:{folder}/store"
        with open_store(url) as store:
            _grow(store, _SHORT, MEASURED)
            _grow(store, _LONG, entries - MEASURED - _AT_ONCE)
            yield _appends(store, entries)
            yield from _exports(url, Path(folder), store.journal.head(chain_of(_LONG)), rounds)
        yield from _verifying(Path(folder) / "ledger.jsonl", entries, rounds)


def _appends(store: Store, entries: int) -> Comparison:
    """The last 10,000 of the long chain in turns with the first of a new one."""
    return Comparison(
        what=f"ledger: the last {MEASURED:,} appends of {entries:,}",
        against="the first of a new chain",
        unit="ms",
        rounds=in_turns(
            _appending(store, _LONG), _appending(store, _NEW), rounds=MEASURED // _AT_ONCE
        ),
        goal=Goal(Bound.AT_MOST, 1.2),
    )


def _appending(store: Store, account_id: AccountId) -> Measure:
    """The mean cost of an append of one entry, in milliseconds."""
    numbers = count(1)

    def measure() -> float:
        events = [granted(grant(account_id, next(numbers))) for _ in range(_AT_ONCE)]
        begun = perf_counter()
        for event in events:
            store.journal.record(chain_of(account_id), event, now=NOW)
        return (perf_counter() - begun) / _AT_ONCE * 1_000

    return measure


def _grow(store: Store, account_id: AccountId, entries: int) -> None:
    for start in range(0, entries, _AT_ONCE):
        size = min(_AT_ONCE, entries - start)
        events = [granted(grant(account_id, start + number)) for number in range(size)]
        store.journal.record(chain_of(account_id), *events, now=NOW)


def _exports(url: str, folder: Path, head: Head, rounds: int) -> Iterator[Comparison]:
    long, short = folder / "ledger.jsonl", folder / "short.jsonl"
    exports = [
        (_exported(url, _LONG, head.seq, long), _exported(url, _SHORT, MEASURED, short))
        for _ in range(min(rounds, 3))
    ]
    yield Comparison(
        what=f"ledger: peak memory of exporting {head.seq:,}",
        against=f"of exporting {MEASURED:,}",
        unit="MB",
        rounds=Rounds(
            tuple(ours.peak_megabytes for ours, _ in exports),
            tuple(theirs.peak_megabytes for _, theirs in exports),
        ),
        goal=Goal(Bound.AT_MOST, 1.1),
    )
    megabytes = long.stat().st_size / 1e6
    bare = tuple(megabytes / _read_bare(url, _LONG, head.seq) for _ in exports)
    yield Comparison(
        what=f"ledger: exporting {head.seq:,} to a file",
        against="XRANGE of the same, thrown away",
        unit="MB/s",
        rounds=Rounds(tuple(megabytes / ours.seconds for ours, _ in exports), bare),
    )


@dataclass(frozen=True, slots=True)
class _Export:
    """What one export took."""

    seconds: float
    peak_megabytes: float


def _exported(url: str, account_id: AccountId, through: int, path: Path) -> _Export:
    """Export in a process of its own."""
    command = [sys.executable, "-m", _THIS, "--export", url, account_id, str(through), str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise BenchmarkFailed(f"an export failed: {done.stderr.strip().splitlines()[-1:]}")
    seconds, peak = done.stdout.split()
    return _Export(float(seconds), float(peak))


def _export(url: str, account_id: AccountId, through: int, path: Path) -> None:
    """The process's part: write the export, print its seconds and the process's peak memory."""
    with open_store(url) as store, path.open("wb") as file:
        lines = LedgerLines(journal=store.journal, checkpoints=store.checkpoints)
        begun = perf_counter()
        for piece in lines(Stretch(account_id=account_id, after=0, through=through)):
            file.write(piece)
        seconds = perf_counter() - begun
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1_000
    click.echo(f"{seconds} {peak}")


def _read_bare(url: str, account_id: AccountId, through: int) -> float:
    """The seconds that reading the stream takes where nothing is done with it."""
    with open_store(url) as store:
        begun, after = perf_counter(), 0
        while part := store.journal.written(
            chain_of(account_id), after=after, through=through, limit=ENTRIES_AT_ONCE
        ):
            after = part[-1].seq
        return perf_counter() - begun


def _verifying(path: Path, entries: int, rounds: int) -> Iterator[Comparison]:
    """Entries a second of processor time, on one core, from the file to the verdict."""

    def verified() -> None:
        with path.open("rb") as file:
            remember = checkpointed(file)
        verification = Verification(given={}, remember=remember)
        with path.open("rb") as file:
            verification.read(file)
        if verification.result().entries < entries:
            raise BenchmarkFailed("not every entry was verified")

    def hashed() -> None:
        with path.open("rb") as file:
            for line in file:
                sha256(line).hexdigest()

    measured = in_turns(_rate(verified, entries), _rate(hashed, entries), rounds=min(rounds, 3))
    yield Comparison(
        what=f"ledger: verifying {entries:,} entries",
        against="SHA-256 of each line",
        unit="1/s",
        rounds=measured,
    )
    yield Comparison(
        what=f"ledger: verifying {entries:,} entries",
        against="what is wanted",
        unit="1/s",
        rounds=Rounds(measured.ours, (float(WANTED),) * len(measured.ours)),
        goal=Goal(Bound.AT_LEAST, 1.0),
    )


def _rate(work: Callable[[], None], entries: int) -> Measure:
    def measure() -> float:
        begun = process_time()
        work()
        return entries / (process_time() - begun)

    return measure


@click.command()
@click.option("--entries", type=click.IntRange(2 * MEASURED), default=1_000_000, show_default=True)
@click.option("--rounds", type=click.IntRange(min=1), default=3, show_default=True)
@click.option("--export", "parts", nargs=4, hidden=True)
def main(entries: int, rounds: int, parts: tuple[str, str, str, str] | None) -> None:
    """Measure a ledger of this length."""
    if parts is not None:
        url, account_id, through, path = parts
        _export(url, AccountId.parse(account_id), int(through), Path(path))
        return
    Console(width=112).print(report.table(list(run(rounds, entries=entries))))


if __name__ == "__main__":
    main()
