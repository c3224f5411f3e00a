"""The journal: ledger entries and the records that they explain, written in one atomic step."""

from __future__ import annotations

import random
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from broker.domain.ledger import GENESIS, Chain, Event, Head, LedgerEntry, seal
from broker.domain.ports import Save
from broker.errors import Conflict, DependencyUnavailable
from broker.store import ledger_entries, records
from broker.store.announcements import Announcements
from broker.store.connection import Connection
from broker.store.durability import Confirmation
from broker.store.indexes import Place, place_of
from broker.store.keyspace import Keyspace
from broker.store.scripts import script

PATIENCE = 3.0
"""Seconds for which a write waits behind other writes to its chain, in this process or another."""

_PAUSE = 0.002
"""Seconds to wait at most before asking whether another writer's turn is over."""


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
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._connection = connection
        self._keyspace = keyspace
        self._announcements = Announcements(connection, keyspace)
        self._confirmation = confirmation
        self._jitter = jitter
        self._writer = secrets.token_hex(8)
        self._tails: dict[Chain, _Tail] = {}

    def record(
        self, chain: Chain, *events: Event, now: datetime, saves: Sequence[Save] = ()
    ) -> tuple[LedgerEntry, ...]:
        """See the protocol Journal.

        After `ledger_unavailable` the write may still have happened, as a whole; it is never
        half there. Raises ValueError for records of another chain, a record twice, or no event.
        """
        places = self._places_of(chain, events, saves)
        tail = self._tails.setdefault(chain, _Tail())
        try:
            for save in saves:
                self._announcements.announce(save)
            with _turn_at(tail):
                return self._append(chain, tail, events, now=now, saves=saves, places=places)
        except DependencyUnavailable as e:
            raise _ledger_unavailable("The ledger cannot be written, so nothing was done.") from e

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

    def _places_of(
        self, chain: Chain, events: Sequence[Event], saves: Sequence[Save]
    ) -> tuple[Place, ...]:
        places = tuple(place_of(save.record, self._keyspace) for save in saves)
        if not events:
            raise ValueError("records change only together with an event that explains it")
        if any(place.chain != chain for place in places):
            raise ValueError("a record is saved with the chain that it belongs to")
        if len({place.key for place in places}) < len(places):
            raise ValueError("a record is saved once in one step")
        return places

    def _append(
        self,
        chain: Chain,
        tail: _Tail,
        events: Sequence[Event],
        *,
        now: datetime,
        saves: Sequence[Save],
        places: Sequence[Place],
    ) -> tuple[LedgerEntry, ...]:
        """Seal and send until the chain holds still; only with the chain's turn."""
        mark = secrets.token_hex(8)
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            head, tail.head = tail.head or self.head(chain), None
            entries = _sealed(events, chain=chain, head=head, at=now)
            match self._send(chain, head, entries, mark=mark, saves=saves, places=places):
                case ["done"]:
                    tail.head = Head(seq=entries[-1].seq, hash=entries[-1].hash)
                    return entries
                case ["stale", _]:
                    tail.head = head
                    raise Conflict("The record was changed meanwhile. Read it again.")
                case ["moved", seq, digest]:
                    tail.head = Head(seq=seq, hash=digest)
                case ["wait"]:
                    tail.head = head
                    time.sleep(self._jitter() * _PAUSE)
        raise _too_busy()

    def _send(
        self,
        chain: Chain,
        head: Head,
        entries: Sequence[LedgerEntry],
        *,
        mark: str,
        saves: Sequence[Save],
        places: Sequence[Place],
    ) -> Any:
        """Run the script once; it may be sent several times without harm (see record.lua)."""
        additions = [place.addition for place in places if place.addition is not None]
        keys = [
            self._keyspace.chain(chain),
            self._keyspace.head(chain),
            self._keyspace.turn(chain),
            *(place.key for place in places),
            *(addition.index for addition in additions),
        ]
        args: list[str | int] = [self._writer, mark, head.seq, head.hash, entries[-1].hash]
        args += (len(entries), len(saves))
        args += (ledger_entries.encode(entry) for entry in entries)
        for save in saves:
            args += (save.expected, records.encode(save.record))
        for addition in additions:
            args += (addition.score, addition.member)
        return self._run(keys, args)

    def _run(self, keys: Sequence[str], args: Sequence[str | int]) -> Any:
        record = script("record")
        confirmation = self._confirmation()
        if confirmation is None:
            return self._connection.run_script(record, keys=keys, args=args)
        answer, copies = self._connection.run_script_then(
            [confirmation.command], record, keys=keys, args=args
        )
        if answer[0] == "done" and not confirmation.reached(copies):
            raise _ledger_unavailable("The ledger's server does not confirm that it kept it.")
        return answer


@contextmanager
def _turn_at(tail: _Tail) -> Iterator[None]:
    """Hold the chain's turn in this process; raises DependencyUnavailable after a while."""
    if not tail.turn.acquire(timeout=PATIENCE):
        raise _too_busy()
    try:
        yield
    finally:
        tail.turn.release()


def _sealed(
    events: Sequence[Event], *, chain: Chain, head: Head, at: datetime
) -> tuple[LedgerEntry, ...]:
    entries: list[LedgerEntry] = []
    for event in events:
        entry = seal(event, chain=chain, head=head, at=at)
        entries.append(entry)
        head = Head(seq=entry.seq, hash=entry.hash)
    return tuple(entries)


def _too_busy() -> DependencyUnavailable:
    return _ledger_unavailable("The ledger is written to by too many at once. Try again.")


def _ledger_unavailable(message: str) -> DependencyUnavailable:
    return DependencyUnavailable(message, code="ledger_unavailable")
