"""Which of an account's keys is in which state, and how they move: no provider and no clock here.

`keys.rotation_plan` says when; every function here takes the records and returns them anew.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from keys.errors import NoActiveKey
from keys.types import KeyReference, KeyState, Kid

MAX_PUBLISHED = 5
"""Keys in one JWKS: one that signs, one staged, and the retiring ones."""

_JWKS_ORDER = (KeyState.ACTIVE, KeyState.PUBLISHED, KeyState.RETIRING)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRecord:
    """One key in an account's record, and when it entered each state. All times are UTC.

    A key that is declared compromised is out of the JWKS from then on; it stays `retiring` until
    its provider has disabled it.
    """

    reference: KeyReference
    state: KeyState
    created_at: datetime
    published_at: datetime | None = None
    activated_at: datetime | None = None
    retiring_at: datetime | None = None
    retired_at: datetime | None = None
    compromised_at: datetime | None = None

    def __post_init__(self) -> None:
        times = (
            self.created_at,
            self.published_at,
            self.activated_at,
            self.retiring_at,
            self.retired_at,
            self.compromised_at,
        )
        if any(t is not None and t.utcoffset() != timedelta(0) for t in times):
            raise ValueError("the times of a key record are aware and in UTC")

    @property
    def kid(self) -> Kid:
        """The key id."""
        return self.reference.kid


Records = tuple[KeyRecord, ...]


def published(records: Iterable[KeyRecord]) -> Records:
    """The records whose JWK stands in the JWKS: the active one, the staged, then the retiring.

    Should there be more than five, the retiring keys that were created first stay out.
    """
    in_jwks = [
        record for record in records if record.state in _JWKS_ORDER and not record.compromised_at
    ]
    newest_first = sorted(in_jwks, key=lambda record: record.created_at, reverse=True)
    ordered = sorted(newest_first, key=lambda record: _JWKS_ORDER.index(record.state))
    return tuple(ordered[:MAX_PUBLISHED])


def active(records: Iterable[KeyRecord]) -> KeyRecord:
    """The one key that signs. Raises NoActiveKey when there is none, or more than one."""
    match [record for record in records if record.state is KeyState.ACTIVE]:
        case [only]:
            return only
        case found:
            raise NoActiveKey(f"{len(found)} keys are active where there must be one")


def signs(records: Iterable[KeyRecord]) -> bool:
    """Whether any key signs; a new account has none, nor has one that lost its only key."""
    return any(record.state is KeyState.ACTIVE for record in records)


def next_in_line(records: Iterable[KeyRecord]) -> KeyRecord | None:
    """The staged key, published and unused; of several the one published first."""
    waiting = [record for record in records if record.state is KeyState.PUBLISHED]
    return min(waiting, key=lambda record: record.published_at or record.created_at, default=None)


def stage(records: Records, reference: KeyReference, *, now: datetime) -> Records:
    """A new key, published from `now` on. Raises ValueError for a key that is recorded already."""
    if any(record.kid == reference.kid for record in records):
        raise ValueError("the key is in the records already")
    new = KeyRecord(reference=reference, state=KeyState.PUBLISHED, created_at=now, published_at=now)
    return (*records, new)


def activate(records: Records, kid: Kid, *, now: datetime) -> Records:
    """The staged key `kid` signs from `now` on, and what signed so far retires."""
    _require(records, kid, KeyState.PUBLISHED)
    return tuple(
        _signing(record, now)
        if record.kid == kid
        else _retiring(record, now)
        if record.state is KeyState.ACTIVE
        else record
        for record in records
    )


def compromise(records: Records, *, now: datetime) -> Records:
    """Every key that has signed leaves the JWKS at once, and the staged one signs at once.

    A retiring key goes too: nobody can say which of them was misused, and all that a retiring
    key still serves is tokens of the last minutes. Where no key is staged, none signs until
    one is: an account without sessions is better than one with a stranger's.
    """
    successor = next_in_line(records)
    return tuple(
        _signing(record, now)
        if record is successor
        else replace(_retiring(record, now), compromised_at=record.compromised_at or now)
        if record.state in (KeyState.ACTIVE, KeyState.RETIRING)
        else record
        for record in records
    )


def withdraw(records: Records, kid: Kid, *, now: datetime) -> Records:
    """The retiring key `kid` is out of the JWKS and its provider has disabled it."""
    _require(records, kid, KeyState.RETIRING)
    return tuple(
        replace(record, state=KeyState.RETIRED, retired_at=now) if record.kid == kid else record
        for record in records
    )


def reject(records: Records, kid: Kid, *, now: datetime) -> Records:
    """The staged key `kid` never signs: its provider does not let it."""
    _require(records, kid, KeyState.PUBLISHED)
    return tuple(
        replace(record, state=KeyState.RETIRED, retired_at=now) if record.kid == kid else record
        for record in records
    )


def forget(records: Records, kid: Kid) -> Records:
    """The retired key `kid` is no longer recorded."""
    _require(records, kid, KeyState.RETIRED)
    return tuple(record for record in records if record.kid != kid)


def _signing(record: KeyRecord, now: datetime) -> KeyRecord:
    return replace(record, state=KeyState.ACTIVE, activated_at=now)


def _retiring(record: KeyRecord, now: datetime) -> KeyRecord:
    return replace(record, state=KeyState.RETIRING, retiring_at=record.retiring_at or now)


def _require(records: Records, kid: Kid, state: KeyState) -> None:
    if not any(record.kid == kid and record.state is state for record in records):
        raise ValueError(f"the key is not {state.value}")
