"""What processes agree on through the store: due tasks, leases, windows, repeated requests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from broker.domain.limits import Full, Window


@dataclass(frozen=True, slots=True)
class Acceptance:
    """A credential was accepted: what it is known again by, and the API token if it was one."""

    fingerprint: str
    api_token_id: str | None
    at: datetime


class AcceptanceRepository(Protocol):
    """Which credentials were accepted; not in the ledger, and nothing is decided by it alone."""

    def keep(self, acceptances: Sequence[Acceptance]) -> None:
        """Remember them; an API token's last use is written at most once a minute."""
        ...

    def knows(self, fingerprint: str) -> bool:
        """Whether it was accepted within the last day."""
        ...


@dataclass(frozen=True, slots=True)
class Tally:
    """How often something happened within the hour that begins at `hour`."""

    hour: datetime
    name: str
    count: int


class TallyRepository(Protocol):
    """Counts by the hour, for charts; the ledger is what happened, and this is not proof of it."""

    def add(self, tallies: Sequence[Tally]) -> None:
        """Add to the counts of these hours."""
        ...

    def between(self, since: datetime, until: datetime) -> Sequence[Tally]:
        """The counts of the hours that begin at `since` or later and before `until`, sorted."""
        ...


class TaskKind(StrEnum):
    """What a worker has to do."""

    ACCOUNT = "account"
    HOOK = "hook"
    TICKET = "ticket"
    SESSION = "session"
    """A revoked session, of which AWS has not been seen to refuse the credentials yet."""
    WEBHOOK = "webhook"
    """An endpoint, by its name, that has something to be told of. It has no record."""
    WEBHOOK_SWEEP = "webhook-sweep"
    """Every chain is compared with every endpoint's cursor, so that no hint is needed for ever."""


@dataclass(frozen=True, slots=True)
class Task:
    """One record whose time has come; `subject` is its id."""

    kind: TaskKind
    subject: str


class Agenda(Protocol):
    """The index of due times. Saving a record that has one puts it down for its next time."""

    def claim(
        self,
        *,
        now: datetime,
        hold: timedelta,
        limit: int,
        holds: Mapping[TaskKind, timedelta] | None = None,
    ) -> tuple[Task, ...]:
        """At most `limit` tasks that are due, the longest due first; no other claim gets them.

        A claimed task is put down for `now + hold`, or for what `holds` says of its kind, so that
        it comes again if its worker dies; what the worker saves puts it down for its real next
        time.
        """
        ...

    def hasten(self, task: Task, *, at: datetime) -> None:
        """Put `task` down for `at` if it is not down for an earlier time."""
        ...

    def conclude(self, task: Task, *, next_at: datetime | None) -> None:
        """Put a task that has no record down for its next time, None for never.

        Where it was hastened since it was claimed, that time counts if it is earlier.
        """
        ...

    def next_due(self) -> datetime | None:
        """When the next task is due; None where nothing is down."""
        ...


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to work on something until `ttl` has passed; `fencing` grows with every lease."""

    name: str
    holder: str
    fencing: int


class LeaseRepository(Protocol):
    """Leases: one worker at a time."""

    def acquire(self, name: str, *, holder: str, ttl: timedelta) -> Lease | None:
        """The lease, or None while another holder has it."""
        ...

    def renew(self, lease: Lease, *, ttl: timedelta) -> bool:
        """Hold it for `ttl` from now; False where it has lapsed meanwhile."""
        ...

    def release(self, lease: Lease) -> None:
        """Give it back, if it is still ours."""
        ...


@dataclass(frozen=True, slots=True)
class Begun:
    """Nobody used this key before: go on, then `finish` or `abandon`."""


@dataclass(frozen=True, slots=True)
class InProgress:
    """The first request with this key has not been answered yet."""


@dataclass(frozen=True, slots=True)
class Finished:
    """The answer that the first request got; `body` is None where it must not be given again."""

    status: int
    body: str | None


@dataclass(frozen=True, slots=True)
class Reused:
    """The key was used with another request."""


class IdempotencyRepository(Protocol):
    """The answers to requests with an Idempotency-Key, kept for a day."""

    def begin(self, key: str, *, fingerprint: str) -> Begun | InProgress | Finished | Reused:
        """Claim `key` for a request with this fingerprint, or say what became of it."""
        ...

    def finish(self, key: str, answer: Finished) -> None:
        """Keep the answer."""
        ...

    def abandon(self, key: str) -> None:
        """Forget the claim: the request failed before it had an effect."""
        ...


class WindowRepository(Protocol):
    """The places of sliding windows, by the store's own clock; exact for any number of callers."""

    def take(self, *windows: Window) -> Full | None:
        """Take a place in each window, or none anywhere: then the fullest of them is returned."""
        ...

    def look(self, *windows: Window) -> Full | None:
        """What `take` would return, without taking a place."""
        ...


class StoreHealth(Protocol):
    """What an operator should know of the store."""

    def ping(self) -> None:
        """Raise StoreUnavailable where it does not answer."""
        ...

    def problems(self) -> Sequence[str]:
        """What an acknowledged write would not survive, and the like, as sentences."""
        ...
