"""What comes of setting a customer's trail beside the ledger."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from broker.domain.identifiers import AccountId
from broker.domain.trail.comparison import Comparison


class Sight(StrEnum):
    """How much of a Region was looked at."""

    WHOLE = "whole"
    PART = "part"
    """Time ran out: what is older than `back_to` is still to be looked at."""
    NOT_ENABLED = "not_enabled"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class RegionSeen:
    """One Region; `back_to` is how far back in time it was read, None where it was whole."""

    region: str
    sight: Sight
    back_to: datetime | None = None


class Verdict(StrEnum):
    """What a reconciliation comes to; the worst that applies."""

    AGREES = "agrees"
    INCOMPLETE = "incomplete"
    """A part of the trail could not be looked at, so nothing is proved."""
    MISSING = "missing"
    """The ledger has sessions that the trail does not show."""
    UNKNOWN = "unknown"
    """Somebody was let into a support role, or tried to get in, and it was not the broker."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciliation:
    """A comparison, with what it covers: events newer than `settled_until` may still come."""

    account_id: AccountId
    since: datetime
    until: datetime
    settled_until: datetime
    regions: tuple[RegionSeen, ...]
    comparison: Comparison

    @property
    def complete(self) -> bool:
        """Whether every Region that the account uses was looked at, and whole."""
        return all(seen.sight in (Sight.WHOLE, Sight.NOT_ENABLED) for seen in self.regions)

    @property
    def verdict(self) -> Verdict:
        """What it comes to."""
        if self.comparison.unknown:
            return Verdict.UNKNOWN
        if self.comparison.missing:
            return Verdict.MISSING
        return Verdict.AGREES if self.complete else Verdict.INCOMPLETE
