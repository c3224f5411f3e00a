"""One pass over an account at a time, wherever it runs."""

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
    """Gives out the right to work on an account."""

    leases: LeaseRepository
    sleep: Callable[[float], None]

    @contextmanager
    def exclusive(
        self, account_id: AccountId, *, holder: str, patience: timedelta = NO_PATIENCE
    ) -> Iterator[Lease]:
        """Hold the account's lease in the block.

        Raises Conflict (`reconciliation_running`) if another holder has it for all of `patience`.
        """
        lease = self._acquired(account_id, holder=holder, patience=patience)
        try:
            yield lease
        finally:
            self.leases.release(lease)

    def _acquired(self, account_id: AccountId, *, holder: str, patience: timedelta) -> Lease:
        for _ in range(1 + patience // _PAUSE):
            lease = self.leases.acquire(f"account:{account_id}", holder=holder, ttl=HELD_FOR)
            if lease is not None:
                return lease
            self.sleep(_PAUSE.total_seconds())
        raise Conflict(
            "The account is being worked on right now. Look at it again in a few seconds.",
            code="reconciliation_running",
        )
