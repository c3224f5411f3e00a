"""What wakes a thread that waits, from another thread or from a signal handler."""

from __future__ import annotations

from contextlib import suppress
from queue import Empty, SimpleQueue


class Alarm:
    """Rings when there is something to look at, and for the last time when it is time to stop.

    Built on SimpleQueue, whose `put` is reentrant: `threading.Event.set` in a signal handler may
    deadlock with the wait that the signal interrupts.
    """

    def __init__(self) -> None:
        self._rings: SimpleQueue[None] = SimpleQueue()
        self.stopping = False

    def ring(self) -> None:
        """Wake who waits, or who waits next."""
        self._rings.put(None)

    def stop(self) -> None:
        """Ask for an orderly end."""
        self.stopping = True
        self.ring()

    def wait(self, seconds: float) -> None:
        """Return after `seconds`, or as soon as it rings; rings before that count as one."""
        with suppress(Empty):
            self._rings.get(timeout=seconds)
        while not self._rings.empty():
            self._rings.get()
