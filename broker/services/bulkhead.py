"""Room for what AWS needs of us while we wait for AWS.

To exchange a token STS fetches the issuer's keys from this very service. Were every thread waiting
for an exchange, none would be left to serve them, and all exchanges would fail together.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

from broker.errors import DependencyUnavailable

RETRY_AFTER = 1
"""Seconds; an exchange takes less."""


class Bulkhead:
    """At most `places` at once; who finds none is sent away instead of waiting in a thread.

    That is no decision about anybody, so the ledger is not told: an overload must not lengthen it.
    """

    def __init__(self, places: int, *, within: Bulkhead | None = None) -> None:
        """The places are some of those of `within`, if there is one."""
        self._places = threading.BoundedSemaphore(places)
        self._within = within

    @contextmanager
    def place(self) -> Iterator[None]:
        """A place for a while. Raises DependencyUnavailable (`too_busy`) where all are taken."""
        if not self._places.acquire(blocking=False):
            raise DependencyUnavailable(
                "Too many are waiting for AWS at once. Try again in a second.",
                code="too_busy",
                extra={"retry_after": RETRY_AFTER},
            )
        try:
            with nullcontext() if self._within is None else self._within.place():
                yield
        finally:
            self._places.release()


def places_of(threads: int) -> int:
    """How many of a process's threads may wait for AWS: a quarter, two at least, may not."""
    return max(1, threads - max(2, threads // 4))


def places_for_visits(threads: int) -> int:
    """How many of those may look through customers' trails, which takes half a minute each."""
    return max(1, places_of(threads) // 4)
