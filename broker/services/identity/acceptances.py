"""Which credentials were accepted, where and when: kept beside the requests, never in their way."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta

from broker.domain.ports import Acceptance, AcceptanceRepository
from broker.services.ambient import Clock
from broker.services.gathering import Gatherer

RECENT = timedelta(minutes=1)
"""How long this process remembers by itself, and how often it tells the store of a credential."""

_MOST = 4096


class Acceptances:
    """Remembers in memory and tells the store a moment later. Safe to use from many threads."""

    def __init__(self, *, kept: AcceptanceRepository, clock: Clock, pause: float = 1.0) -> None:
        """`pause` is for how many seconds acceptances are gathered before the store is told."""
        self._kept = kept
        self._clock = clock
        self._lock = threading.Lock()
        self._recent: dict[str, datetime] = {}
        self._untold = Gatherer(kept.keep, lost="acceptances_lost", pause=pause)

    def is_recent(self, fingerprint: str) -> bool:
        """Whether this process accepted it within the last minute."""
        at = self._recent.get(fingerprint)
        return at is not None and at <= self._clock() < at + RECENT

    def knows(self, fingerprint: str) -> bool:
        """Whether any process accepted it within the last day."""
        return self._kept.knows(fingerprint)

    def note(self, fingerprint: str, *, api_token_id: str | None) -> None:
        """Remember an acceptance; at most once a minute the store is told."""
        if self.is_recent(fingerprint):
            return
        now = self._clock()
        with self._lock:
            if len(self._recent) >= _MOST:
                self._recent.clear()
            self._recent[fingerprint] = now
        self._untold.note(Acceptance(fingerprint, api_token_id=api_token_id, at=now))

    def flush(self) -> None:
        """Tell the store now, and return when it knows.

        What it does not take is lost: nobody is refused for it but a newcomer at an address from
        where others guess.
        """
        self._untold.flush()
