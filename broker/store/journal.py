"""The journal: ledger entries and the records that they explain, written in one atomic step."""

from __future__ import annotations

import random
import secrets
import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from broker.domain.ledger.entries import GENESIS, Chain, Event, Head, LedgerEntry, seal
from broker.domain.ports import Record, Save, Versioned, WrittenEntry
from broker.errors import Conflict, LedgerUnavailable, StoreUnavailable
from broker.store import ledger_entries, records
from broker.store.announcements import Announcements
from broker.store.connection import Connection
from broker.store.durability import Confirmation
from broker.store.indexes import Place, place_of
from broker.store.keyspace import Keyspace
from broker.store.scripts import script
from broker.store.webhook_queue import WebhookQueue

Concerned = Callable[[Sequence[LedgerEntry]], Collection[str]]
"""The names of the webhook endpoints that are to be told of entries."""

PATIENCE = 3.0
"""Seconds for which a write waits behind other writes to its chain, in this process or another."""

_PAUSE = 0.002
"""Seconds to wait at most before asking whether another writer's turn is over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Write:
    """What is asked of the journal; `mark` tells it from every other write (see record.lua)."""

    chain: Chain
    events: tuple[Event, ...]
    at: datetime
    saves: tuple[Save, ...]
    places: tuple[Place, ...]
    unchanged: tuple[Versioned[Record], ...] = ()
    guarded: tuple[Place, ...] = ()
    archived_through: int = 0
    """Entries up to this one are dropped in the same step."""
    mark: str = field(default_factory=lambda: secrets.token_hex(8))

    def __post_init__(self) -> None:
        if not self.events:
            raise ValueError("records change only together with an event that explains it")
        places = (*self.places, *self.guarded)
        if any(place.chain != self.chain for place in places):
            raise ValueError("a record is saved, and guarded, with the chain that it belongs to")
        if len({place.key for place in places}) < len(places):
            raise ValueError("a record is saved, or guarded, once in one step")

    def sealed_after(self, head: Head) -> tuple[LedgerEntry, ...]:
        """The entries for the events, the first of which follows `head`."""
        entries: list[LedgerEntry] = []
        for event in self.events:
            entries.append(seal(event, chain=self.chain, head=head, at=self.at))
            head = _head_after(entries[-1])
        return tuple(entries)


@dataclass(slots=True)
class _Tail:
    """What this process knows of a chain: whose turn it is, and the head as last seen."""

    turn: threading.Lock = field(default_factory=threading.Lock)
    head: Head | None = None


class Journal:
    """The Journal of a Redis server. Safe to use from many threads and processes."""

    def __init__(
        self,
        connection: Connection,
        keyspace: Keyspace,
        *,
        confirmation: Callable[[], Confirmation | None],
        concerned: Concerned = lambda _: (),
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._connection = connection
        self._keyspace = keyspace
        self._announcements = Announcements(connection, keyspace)
        self._webhooks = WebhookQueue(connection, keyspace)
        self._confirmation = confirmation
        self._concerned = concerned
        self._jitter = jitter
        self._writer = secrets.token_hex(8)
        self._tails: dict[Chain, _Tail] = {}

    def record(
        self,
        chain: Chain,
        *events: Event,
        now: datetime,
        saves: Sequence[Save] = (),
        unchanged: Sequence[Versioned[Record]] = (),
    ) -> tuple[LedgerEntry, ...]:
        """See the protocol Journal.

        Raises ValueError for records of another chain, a record twice, or no event.
        """
        write = _Write(
            chain=chain,
            events=events,
            at=now,
            saves=tuple(saves),
            places=tuple(place_of(save.record, self._keyspace) for save in saves),
            unchanged=tuple(unchanged),
            guarded=tuple(place_of(guard.record, self._keyspace) for guard in unchanged),
        )
        return self._write(write)

    def archive(
        self, chain: Chain, event: Event, *, through: int, now: datetime
    ) -> tuple[LedgerEntry, ...]:
        """See the protocol Journal."""
        if not 0 < through <= self.head(chain).seq:
            raise ValueError("only entries that there are can be archived")
        return self._write(
            _Write(
                chain=chain,
                events=(event,),
                at=now,
                saves=(),
                places=(),
                archived_through=through,
            )
        )

    def _write(self, write: _Write) -> tuple[LedgerEntry, ...]:
        tail = self._tails.setdefault(write.chain, _Tail())
        try:
            for save in write.saves:
                self._announcements.announce(save, now=write.at)
            with _turn_at(tail):
                entries = self._append(write, tail)
        except LedgerUnavailable:
            raise
        except StoreUnavailable as e:
            raise LedgerUnavailable("The ledger cannot be written. Try again in a moment.") from e
        self._announcements.settle(write.saves, now=write.at)
        self._hint(write.chain, entries, at=write.at)
        return entries

    def head(self, chain: Chain) -> Head:
        """See the protocol Journal."""
        seq, digest = self._connection.send("HMGET", self._keyspace.head(chain), "seq", "hash")
        return Head(seq=int(seq or 0), hash=digest or GENESIS)

    def entries(self, chain: Chain, *, after: int, limit: int) -> tuple[LedgerEntry, ...]:
        """See the protocol Journal."""
        found = self._connection.send(
            "XRANGE", self._keyspace.chain(chain), f"{after + 1}-0", "+", "COUNT", limit
        )
        return tuple(ledger_entries.decode(fields["entry"]) for _, fields in found)

    def written(
        self, chain: Chain, *, after: int, through: int, limit: int
    ) -> tuple[WrittenEntry, ...]:
        """See the protocol Journal."""
        stream, first, last = self._keyspace.chain(chain), f"{after + 1}-0", f"{through}-0"
        found = self._connection.send("XRANGE", stream, first, last, "COUNT", limit)
        return tuple(
            WrittenEntry(int(place.removesuffix("-0")), fields["entry"]) for place, fields in found
        )

    def _hint(self, chain: Chain, entries: Sequence[LedgerEntry], *, at: datetime) -> None:
        """Let webhooks look at once. A hint that gets lost only makes them look a minute later."""
        if concerned := self._concerned(entries):
            with suppress(StoreUnavailable):
                self._webhooks.hint(concerned, chain, at=at)

    def _append(self, write: _Write, tail: _Tail) -> tuple[LedgerEntry, ...]:
        """Seal and send until the chain holds still; only with the chain's turn."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            # Unknown again, should what follows fail.
            head, tail.head = tail.head or self.head(write.chain), None
            entries = write.sealed_after(head)
            match self._send(write, head, entries):
                case ["done"]:
                    tail.head = _head_after(entries[-1])
                    return entries
                case ["stale"]:
                    tail.head = head
                    raise Conflict("The record was changed meanwhile. Read it again.")
                case ["moved", seq, digest]:
                    tail.head = Head(seq=seq, hash=digest)
                case ["wait"]:
                    tail.head = head
                    time.sleep(self._jitter() * _PAUSE)
        raise _too_busy()

    def _send(self, write: _Write, head: Head, entries: Sequence[LedgerEntry]) -> Any:
        """What record.lua answers, once the server has confirmed it as far as it can."""
        additions = [addition for place in write.places for addition in place.additions]
        keys = [
            self._keyspace.chain(write.chain),
            self._keyspace.head(write.chain),
            self._keyspace.turn(write.chain),
            *(place.key for place in write.places),
            *(place.key for place in write.guarded),
            *(addition.index for addition in additions),
        ]
        args: list[str | int] = [self._writer, write.mark, head.seq, head.hash, entries[-1].hash]
        args += (len(entries), len(write.saves), len(write.unchanged), write.archived_through)
        args += (ledger_entries.encode(entry) for entry in entries)
        for save in write.saves:
            args += (save.expected, records.encode(save.record))
        args += (guard.version for guard in write.unchanged)
        for addition in additions:
            args += (addition.score, addition.member)
        return self._run_confirmed(keys, args)

    def _run_confirmed(self, keys: Sequence[str], args: Sequence[str | int]) -> Any:
        record = script("record")
        confirmation = self._confirmation()
        if confirmation is None:
            return self._connection.run_script(record, keys=keys, args=args)
        answer, copies = self._connection.run_script_then(
            [confirmation.command], record, keys=keys, args=args
        )
        if answer == ["done"] and not confirmation.reached(copies):
            raise LedgerUnavailable("The ledger's server does not confirm that it kept it.")
        return answer


@contextmanager
def _turn_at(tail: _Tail) -> Iterator[None]:
    """Hold the chain's turn in this process; raises LedgerUnavailable after a while."""
    if not tail.turn.acquire(timeout=PATIENCE):
        raise _too_busy()
    try:
        yield
    finally:
        tail.turn.release()


def _head_after(entry: LedgerEntry) -> Head:
    return Head(seq=entry.seq, hash=entry.hash)


def _too_busy() -> LedgerUnavailable:
    return LedgerUnavailable("The ledger is written to by too many at once. Try again.")
