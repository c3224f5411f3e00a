"""Room for what AWS needs of us while we wait for AWS.

To exchange a token STS fetches the issuer's keys from this very service. Were every thread waiting
for an exchange, none would be left to serve them, and all exchanges would fail together.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from broker.errors import DependencyUnavailable

RETRY_AFTER = 1
"""Seconds; an exchange takes less."""


class Bulkhead:
    """At most `places` at once; who finds none is sent away instead of waiting in a thread.

    That is no decision about anybody, so the ledger is not told: an overload must not lengthen it.
    """

    def __init__(self, places: int) -> None:
        self._places = threading.BoundedSemaphore(places)

    @contextmanager
    def place(self) -> Iterator[None]:
        """A place for a while. Raises DependencyUnavailable (`too_busy`) where all are taken."""
        if not self._places.acquire(blocking=False):
            raise DependencyUnavailable(
                "Too many sessions are being opened at once. Try again in a second.",
                code="too_busy",
                extra={"retry_after": RETRY_AFTER},
            )
        try:
            yield
        finally:
            self._places.release()


def places_of(threads: int) -> int:
    """How many of a process's threads may wait for AWS: a quarter, two at least, may not."""
    return max(1, threads - max(2, threads // 4))
