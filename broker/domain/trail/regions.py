"""Which Regions of a customer's trail are looked at: LookupEvents knows only its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class TrailRegions:
    """The Regions of the partition, and the two that are always looked at.

    `own` is where the broker exchanges tokens, `of_global_services` where IAM's calls are
    recorded, if the partition has such a place.
    """

    own: str
    of_global_services: str | None
    all: tuple[str, ...]

    def usual(self, asked: Sequence[str] = ()) -> tuple[str, ...]:
        """The two, and those asked for. Raises ValueError for one that is not in the partition."""
        strangers = [region for region in asked if region not in self.all]
        if strangers:
            raise ValueError(f"has no Region {strangers[0]!r}"[:80])
        wanted = (self.own, self.of_global_services, *asked)
        return tuple(dict.fromkeys(region for region in wanted if region is not None))

    def every(self) -> tuple[str, ...]:
        """All of them, beginning with the two."""
        return self.usual(self.all)
