"""Forms that count once, and only for what they were shown for."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from threading import Lock

from broker.sandbox.clock import Clock

_LAST = timedelta(minutes=10)
_MOST = 1000
"""More forms than that nobody has open; the oldest go first."""


class Forms:
    """Each carries a number used once, which a page elsewhere can neither read nor guess."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = Lock()
        self._shown: dict[str, tuple[str, datetime]] = {}

    def show(self, purpose: str) -> str:
        """The number of a form that is being shown for `purpose`."""
        number = secrets.token_urlsafe(24)
        with self._lock:
            self._shown[number] = (purpose, self._clock.now())
            while len(self._shown) > _MOST:
                del self._shown[next(iter(self._shown))]
        return number

    def take(self, number: str | None, purpose: str) -> bool:
        """Whether the form was shown for this purpose, a while ago at most, and not sent yet."""
        with self._lock:
            shown = self._shown.pop(number or "", None)
        return shown is not None and shown[0] == purpose and self._clock.now() < shown[1] + _LAST
