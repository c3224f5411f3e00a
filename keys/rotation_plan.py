"""What is to be done with an account's keys, and when: a pure plan over the records.

Publish, wait, switch, wait, withdraw. A next key is always staged, so that the wait before its
use has passed by the time it is needed.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from keys.rotation import MAX_PUBLISHED, KeyRecord, Records, active, next_in_line, published, signs
from keys.types import DELETION_DAYS, KeyState, Kid

AT_ONCE = datetime(1970, 1, 1, tzinfo=UTC)
"""When something is due that waits for no time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RotationPolicy:
    """How long a key does what.

    `publish_before_use` has to outlast every copy of the JWKS that a relying party may hold, or
    it meets a kid that it does not know. `keep_published` has to outlast the last token that the
    key signed, and what relying parties make of it. Raises ValueError for what cannot work.
    """

    rotate_every: timedelta = timedelta(days=90)
    publish_before_use: timedelta = timedelta(hours=24)
    keep_published: timedelta
    deletion_days: int = 30
    remember: timedelta = timedelta(days=400)
    """How long the record of a retired key is kept: an audit may ask a year later who signed."""

    def __post_init__(self) -> None:
        spans = (self.publish_before_use, self.keep_published, self.remember)
        if any(span <= timedelta(0) for span in spans):
            raise ValueError("every span of a rotation policy is positive")
        if self.rotate_every < self.publish_before_use:
            raise ValueError("a key is published for longer than the one before it signs")
        if self.deletion_days not in DELETION_DAYS:
            raise ValueError("a key is destroyed after 7 to 30 days")


@dataclass(frozen=True, slots=True)
class StageKey:
    """Make a key and publish it."""

    why: str


@dataclass(frozen=True, slots=True)
class ActivateKey:
    """Let the staged key sign, and the one before it retire."""

    kid: Kid
    why: str


@dataclass(frozen=True, slots=True)
class WithdrawKey:
    """Take a retiring key out of the JWKS, disable it, schedule its deletion."""

    kid: Kid
    why: str


@dataclass(frozen=True, slots=True)
class ForgetKey:
    """Drop the record of a key that was destroyed long ago."""

    kid: Kid
    why: str


Step = StageKey | ActivateKey | WithdrawKey | ForgetKey


@dataclass(frozen=True, slots=True)
class Due:
    """A step and the time from which it is to be done."""

    at: datetime
    step: Step


def due_steps(
    records: Records, now: datetime, policy: RotationPolicy, *, asked_at: datetime | None = None
) -> tuple[Step, ...]:
    """What is due at `now`, each step possible by itself; plan anew after each that was done.

    `asked_at` says since when somebody wants a rotation before its time; it waits for the staged
    key to be old enough like any other. What cannot wait is `keys.rotation.compromise`, after
    which the steps that it leaves are due at once.
    """
    ahead = upcoming(records, policy, asked_at=asked_at)
    return tuple(due.step for due in ahead if due.at <= now)


def next_due(
    records: Records, policy: RotationPolicy, *, asked_at: datetime | None = None
) -> datetime:
    """When the next step is due; in the past where one is overdue."""
    return min(due.at for due in upcoming(records, policy, asked_at=asked_at))


def upcoming(
    records: Records, policy: RotationPolicy, *, asked_at: datetime | None = None
) -> Iterator[Due]:
    """Every step that the records as they stand lead to; never none."""
    yield from _departures(records, policy)
    yield from _succession(records, policy, asked_at)


def _departures(records: Iterable[KeyRecord], policy: RotationPolicy) -> Iterator[Due]:
    for record in records:
        since = record.retired_at or record.retiring_at or record.created_at
        match record.state:
            case KeyState.RETIRING if record.compromised_at:
                yield Due(AT_ONCE, WithdrawKey(record.kid, "it was declared compromised"))
            case KeyState.RETIRING:
                why = "every token that it signed has expired, and so has every copy of the JWKS"
                yield Due(since + policy.keep_published, WithdrawKey(record.kid, why))
            case KeyState.RETIRED:
                why = "it was destroyed long ago"
                yield Due(since + policy.remember, ForgetKey(record.kid, why))


def _succession(
    records: Records, policy: RotationPolicy, asked_at: datetime | None
) -> Iterator[Due]:
    staged = next_in_line(records)
    if staged is None:
        if len(published(records)) < MAX_PUBLISHED:
            yield Due(AT_ONCE, StageKey("no key is staged"))
    elif not signs(records):
        # Nobody can be served with an older key, so that waiting would only prolong the outage;
        # with a new account, nobody has cached a JWKS without this one.
        yield Due(AT_ONCE, ActivateKey(staged.kid, "no key signs"))
    elif len(published(records)) < MAX_PUBLISHED:
        # Where the JWKS is full, the successor of the staged key would not find a place in it.
        wanted, why = _wanted(active(records), policy, asked_at)
        usable = (staged.published_at or staged.created_at) + policy.publish_before_use
        yield Due(max(wanted, usable), ActivateKey(staged.kid, why))


def _wanted(
    signing: KeyRecord, policy: RotationPolicy, asked_at: datetime | None
) -> tuple[datetime, str]:
    regular = (signing.activated_at or signing.created_at) + policy.rotate_every
    if asked_at is not None and asked_at < regular:
        return asked_at, "a rotation was asked for"
    return regular, f"the key before it has signed for {policy.rotate_every.days} days"
