"""Many callers at the same moment."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TypeVar

T = TypeVar("T")


def at_once(asks: Sequence[Callable[[], T]]) -> list[T]:
    """What each of them returns, all let loose together."""
    barrier = Barrier(len(asks))

    def ask(one: Callable[[], T]) -> T:
        barrier.wait()
        return one()

    with ThreadPoolExecutor(len(asks)) as threads:
        return list(threads.map(ask, asks))
