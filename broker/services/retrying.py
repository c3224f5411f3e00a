"""Writing again where another write of the same record came between."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from broker.errors import Conflict

T = TypeVar("T")


def retried(write: Callable[[], T], *, tries: int) -> T:
    """What `write` gives, which reads afresh each time. Raises the Conflict of the last try."""
    for _ in range(tries - 1):
        try:
            return write()
        except Conflict:
            continue
    return write()
