"""At most so many of something in each minute, however many strangers ask for it."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta

_WINDOW = timedelta(minutes=1)


class Budget:
    """Counts in this process, in windows of a minute. Safe to use from many threads."""

    def __init__(self, a_minute: int) -> None:
        self._a_minute = a_minute
        self._lock = threading.Lock()
        self._since: datetime | None = None
        self._spent = 0

    def spend(self, now: datetime) -> bool:
        """Take one, if there is one left; an endless flood is answered False until a minute on."""
        with self._lock:
            if self._since is None or not self._since <= now < self._since + _WINDOW:
                self._since, self._spent = now, 0
            if self._spent >= self._a_minute:
                return False
            self._spent += 1
            return True
