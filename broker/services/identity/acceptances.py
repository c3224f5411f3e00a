"""Which credentials were accepted, where and when: kept beside the requests, never in their way."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta

import structlog

from broker.domain.ports import Acceptance, AcceptanceRepository
from broker.errors import DependencyUnavailable
from broker.services.ambient import Clock

RECENT = timedelta(minutes=1)
"""How long this process remembers by itself, and how often it tells the store of a credential."""

_MOST = 4096
_log = structlog.get_logger(__name__)


class Acceptances:
    """Remembers in memory and tells the store a moment later. Safe to use from many threads."""

    def __init__(self, *, kept: AcceptanceRepository, clock: Clock, pause: float = 1.0) -> None:
        """`pause` is for how many seconds acceptances are gathered before the store is told."""
        self._kept = kept
        self._clock = clock
        self._pause = pause
        self._lock = threading.Lock()
        self._telling = threading.Lock()
        self._recent: dict[str, datetime] = {}
        self._untold: list[Acceptance] = []
        self._timer: threading.Timer | None = None

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
            self._untold.append(Acceptance(fingerprint, api_token_id=api_token_id, at=now))
            if self._timer is None:
                self._timer = threading.Timer(self._pause, self.flush)
                self._timer.daemon = True
                self._timer.start()

    def flush(self) -> None:
        """Tell the store now, and return when it knows.

        What it does not take is lost: nobody is refused for it but a newcomer at an address from
        where others guess.
        """
        with self._telling:
            with self._lock:
                untold, self._untold = self._untold, []
                timer, self._timer = self._timer, None
            if timer is not None:
                timer.cancel()
            try:
                self._kept.keep(untold)
            except DependencyUnavailable:
                _log.warning("acceptances_lost", number=len(untold))
