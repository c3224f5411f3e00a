"""One pass over an account at a time, wherever it runs; and other things one at a time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta

import structlog

from broker.domain.identifiers import AccountId
from broker.domain.ports import Lease, LeaseRepository
from broker.errors import Conflict, DependencyUnavailable

HELD_FOR = timedelta(seconds=15)
"""How long an account waits for a process that was killed. Whoever lives renews the lease for as
long as the pass takes. Should it lapse nevertheless, because the store did not answer, two passes
meet; the one that planned from the older record finds that when it settles, and has the account
looked at again at once."""

_log = structlog.get_logger(__name__)

NO_PATIENCE = timedelta(0)
_PAUSE = timedelta(milliseconds=100)


@dataclass(frozen=True, slots=True, kw_only=True)
class Leasing:
    """Gives out the right to work on an account, or on something else that has a name."""

    leases: LeaseRepository
    sleep: Callable[[float], None]
    renew_after: timedelta = HELD_FOR / 3

    @contextmanager
    def exclusive(
        self, account_id: AccountId, *, holder: str, patience: timedelta = NO_PATIENCE
    ) -> Iterator[Lease]:
        """Hold the account's lease in the block.

        Raises Conflict (`reconciliation_running`) if another holder has it for all of `patience`.
        """
        busy = Conflict(
            "The account is being worked on right now. Look at it again in a few seconds.",
            code="reconciliation_running",
        )
        with (
            self.one_at_a_time(
                f"account:{account_id}", holder=holder, patience=patience, lasts=HELD_FOR, busy=busy
            ) as lease,
            self._renewed(lease),
        ):
            yield lease

    @contextmanager
    def _renewed(self, lease: Lease) -> Iterator[None]:
        """Renew the lease in a thread while the block lasts."""
        over = threading.Event()

        def renew() -> None:
            while not over.wait(self.renew_after.total_seconds()):
                # The next try may succeed before it lapses.
                with suppress(DependencyUnavailable):
                    if not self.leases.renew(lease, ttl=HELD_FOR):
                        _log.warning("lease_lapsed", lease=lease.name)
                        return

        renewing = threading.Thread(target=renew, name="lease-renewal", daemon=True)
        renewing.start()
        try:
            yield
        finally:
            over.set()
            renewing.join()

    @contextmanager
    def one_at_a_time(
        self, name: str, *, holder: str, patience: timedelta, lasts: timedelta, busy: Conflict
    ) -> Iterator[Lease]:
        """Hold the lease `name` in the block, or raise `busy`; it lapses after `lasts`."""
        lease = self._acquired(name, holder=holder, patience=patience, lasts=lasts)
        if lease is None:
            raise busy
        try:
            yield lease
        finally:
            self.leases.release(lease)

    def _acquired(
        self, name: str, *, holder: str, patience: timedelta, lasts: timedelta
    ) -> Lease | None:
        for _ in range(1 + patience // _PAUSE):
            lease = self.leases.acquire(name, holder=holder, ttl=lasts)
            if lease is not None:
                return lease
            self.sleep(_PAUSE.total_seconds())
        return None
