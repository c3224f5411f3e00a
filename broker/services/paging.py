"""Lists that are read to their end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

from broker.domain.ports import Page

T = TypeVar("T")

LIMIT = 200
"""Items of one part: few round trips, and no answer that holds up the store."""


def every(part: Callable[[str | None], Page[T]]) -> Iterator[T]:
    """The items of a list in its order, for as long as they are asked for.

    `part` gives what follows a cursor, and for None the beginning.
    """
    page = part(None)
    yield from page.items
    while page.next is not None:
        page = part(page.next)
        yield from page.items
