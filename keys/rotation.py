"""Which of an account's keys is in which state, as plain values: no provider and no clock here."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from keys.errors import NoActiveKey
from keys.types import KeyReference, KeyState, Kid

MAX_PUBLISHED = 5
"""Keys in one JWKS: one that signs, one staged, and the retiring ones."""

_JWKS_ORDER = (KeyState.ACTIVE, KeyState.PUBLISHED, KeyState.RETIRING)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRecord:
    """One key in an account's record, and when it entered each state. All times are UTC."""

    reference: KeyReference
    state: KeyState
    created_at: datetime
    published_at: datetime | None = None
    activated_at: datetime | None = None
    retiring_at: datetime | None = None
    retired_at: datetime | None = None

    def __post_init__(self) -> None:
        times = (
            self.created_at,
            self.published_at,
            self.activated_at,
            self.retiring_at,
            self.retired_at,
        )
        if any(t is not None and t.utcoffset() != timedelta(0) for t in times):
            raise ValueError("the times of a key record are aware and in UTC")

    @property
    def kid(self) -> Kid:
        """The key id."""
        return self.reference.kid


def initial_keys(
    *, signing: KeyReference, staged: KeyReference, now: datetime
) -> tuple[KeyRecord, KeyRecord]:
    """The keys of a new account: one that signs at once, and the next one already published.

    The first key does not wait, since nobody has cached the JWKS of an issuer that is new.
    """
    return (
        KeyRecord(
            reference=signing,
            state=KeyState.ACTIVE,
            created_at=now,
            published_at=now,
            activated_at=now,
        ),
        KeyRecord(reference=staged, state=KeyState.PUBLISHED, created_at=now, published_at=now),
    )


def published(records: Iterable[KeyRecord]) -> tuple[KeyRecord, ...]:
    """The records whose JWK stands in the JWKS: the active one, the staged, then the retiring.

    Should there be more than five, the retiring keys that were created first stay out.
    """
    in_jwks = [record for record in records if record.state in _JWKS_ORDER]
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
