"""Keeping to a rate that AWS sets: calls wait for their turn instead of being throttled."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field

_REMEMBERED = 4096
"""Keys after which those whose turn is over are forgotten."""


@dataclass(slots=True)
class Pace:
    """Spaces calls so that each key has at most one in `interval` seconds, in this process.

    `clock` counts seconds and never goes back; `patience` bounds how long a call waits.
    """

    interval: float
    patience: float
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    _free_at: dict[Hashable, float] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def take_turn(self, key: Hashable) -> bool:
        """Wait for the next turn of `key`; False, at once, where too many wait before us."""
        with self._lock:
            now = self.clock()
            turn = max(now, self._free_at.get(key, now))
            if turn - now > self.patience:
                return False
            self._forget_over(now)
            self._free_at[key] = turn + self.interval
        if turn > now:
            self.sleep(turn - now)
        return True

    def _forget_over(self, now: float) -> None:
        if len(self._free_at) >= _REMEMBERED:
            kept = {key: free_at for key, free_at in self._free_at.items() if free_at > now}
            self._free_at.clear()
            self._free_at.update(kept)
