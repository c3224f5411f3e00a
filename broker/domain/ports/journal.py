"""The one way to write, and what a stored record is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, Protocol, TypeVar

from broker.domain.accounts import Account
from broker.domain.grants import Grant
from broker.domain.hooks.records import Hook
from broker.domain.identity.api_tokens import ApiToken
from broker.domain.ledger.checkpoints import Checkpoint
from broker.domain.ledger.entries import Chain, Event, Head, LedgerEntry
from broker.domain.sessions import Session
from broker.domain.tickets import Ticket

Record = Account | Grant | Session | Ticket | ApiToken | Hook | Checkpoint
"""Any stored record."""


R_co = TypeVar("R_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Versioned(Generic[R_co]):
    """A record as read, with the version that a later write must still find."""

    record: R_co
    version: int


@dataclass(frozen=True, slots=True)
class Page(Generic[R_co]):
    """A part of a list; `next` is the cursor of the following part, None at the end."""

    items: tuple[R_co, ...]
    next: str | None


@dataclass(frozen=True, slots=True)
class WrittenEntry:
    """An entry as it is kept: its place, and its canonical JSON."""

    seq: int
    line: str


@dataclass(frozen=True, slots=True)
class Save:
    """Write `record` if it is still at version `expected`; 0 means that it must not exist yet."""

    record: Record
    expected: int


class Journal(Protocol):
    """The only way to write: changes of records together with the entries that explain them."""

    def record(
        self,
        chain: Chain,
        *events: Event,
        now: datetime,
        saves: Sequence[Save] = (),
        unchanged: Sequence[Versioned[Record]] = (),
    ) -> tuple[LedgerEntry, ...]:
        """Append `events` to `chain` and apply `saves`, all or nothing, durably.

        `unchanged` are records that must still be at the version they were read at, though they
        are not written. Records of an account (Account, Grant, Session, Checkpoint) go with that
        account's chain, tickets and API tokens with the broker's: one chain is one slot of a
        clustered store.

        Raises Conflict (`stale_version`) if a record is not at its expected version: then nothing
        is written; LedgerUnavailable, then it may have been written nevertheless, but never in
        part.
        """
        ...

    def archive(
        self, chain: Chain, event: Event, *, through: int, now: datetime
    ) -> tuple[LedgerEntry, ...]:
        """Append `event` and drop every entry up to `through`, all or nothing, durably.

        Raises ValueError where `through` is not an entry before the new one, and like `record`.
        """
        ...

    def head(self, chain: Chain) -> Head:
        """The last entry's place."""
        ...

    def entries(self, chain: Chain, *, after: int, limit: int) -> tuple[LedgerEntry, ...]:
        """At most `limit` entries with `seq` greater than `after`, in order."""
        ...

    def written(
        self, chain: Chain, *, after: int, through: int, limit: int
    ) -> tuple[WrittenEntry, ...]:
        """Like `entries`, up to `through`, as they are kept; the first may be far after `after`,
        where older ones were archived."""
        ...
