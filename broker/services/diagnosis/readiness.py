"""Whether sessions can be opened, and what hinders them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from broker.domain.ports import StoreHealth
from broker.errors import DependencyUnavailable
from broker.services.ambient import Clock
from broker.services.issuer.directory import IssuerDirectory

STALE_AFTER = timedelta(seconds=60)
"""The issuers' documents are compared with the store every few seconds; later is a problem."""


@dataclass(frozen=True, slots=True)
class Readiness:
    """`missing` must be mended before sessions can be opened; `warnings` should be."""

    missing: tuple[str, ...]
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadinessCheck:
    """Asks everything that a session needs and that can be asked for nothing."""

    store: StoreHealth
    issuers: IssuerDirectory
    clock: Clock

    def __call__(self) -> Readiness:
        """What is missing now, each as a sentence."""
        missing = []
        warnings: tuple[str, ...] = ()
        try:
            self.store.ping()
            warnings = tuple(self.store.problems())
        except DependencyUnavailable:
            missing.append("The store does not answer.")
        fresh_at = self.issuers.fresh_at
        if fresh_at is None:
            missing.append("The issuers' documents have not been read yet.")
        elif self.clock() - fresh_at > STALE_AFTER:
            missing.append(f"The issuers' documents were last read at {fresh_at.isoformat()}.")
        return Readiness(tuple(missing), warnings)
