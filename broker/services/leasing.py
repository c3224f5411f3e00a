"""One pass over an account at a time, wherever it runs; and other things one at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

from broker.domain.identifiers import AccountId
from broker.domain.ports import Lease, LeaseRepository
from broker.errors import Conflict

HELD_FOR = timedelta(minutes=2)
"""Longer than a pass takes: a new role is waited for at most half a minute. Should AWS be so slow
that a lease lapses, two passes meet; the one that planned from the older record finds that when it
settles, and has the account looked at again at once."""

NO_PATIENCE = timedelta(0)
_PAUSE = timedelta(milliseconds=100)


@dataclass(frozen=True, slots=True, kw_only=True)
class Leasing:
    """Gives out the right to work on an account, or on something else that has a name."""

    leases: LeaseRepository
    sleep: Callable[[float], None]

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
        with self.one_at_a_time(
            f"account:{account_id}", holder=holder, patience=patience, lasts=HELD_FOR, busy=busy
        ) as lease:
            yield lease

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
