"""Notes taken beside requests and told to the store a moment later, many at once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

import structlog

from broker.errors import DependencyUnavailable

T = TypeVar("T")
_log = structlog.get_logger(__name__)


class Gatherer(Generic[T]):
    """Keeps nobody waiting for the store, and loses what it does not take. Safe for threads.

    Only for what nothing is decided by: a process that is killed takes its last notes with it.
    """

    def __init__(
        self, tell: Callable[[Sequence[T]], None], *, lost: str, pause: float = 1.0
    ) -> None:
        """`pause` is for how many seconds notes are gathered; `lost` names them in the log."""
        self._tell = tell
        self._lost = lost
        self._pause = pause
        self._lock = threading.Lock()
        self._telling = threading.Lock()
        self._untold: list[T] = []
        self._timer: threading.Timer | None = None

    def note(self, what: T) -> None:
        """Take a note; the store is told within the pause."""
        with self._lock:
            self._untold.append(what)
            if self._timer is None:
                self._timer = threading.Timer(self._pause, self.flush)
                self._timer.daemon = True
                self._timer.start()

    def flush(self) -> None:
        """Tell the store now, and return when it knows."""
        with self._telling:
            with self._lock:
                untold, self._untold = self._untold, []
                timer, self._timer = self._timer, None
            if timer is not None:
                timer.cancel()
            try:
                self._tell(untold)
            except DependencyUnavailable:
                _log.warning(self._lost, number=len(untold))
