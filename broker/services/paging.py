"""Lists that are read to their end, and parts of those that are filtered."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

from broker.domain.ports import Page

T = TypeVar("T")

PARTS = 20
"""How many parts of the whole list are looked through for one part of a filtered one."""

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


def sifted(
    part: Callable[[str | None, int], Page[T]],
    fits: Callable[[T], bool],
    *,
    cursor: str | None,
    limit: int,
) -> Page[T]:
    """A part of what fits in a list, of which `part` gives so many items behind a cursor.

    It may hold fewer than `limit`, even none, where many are passed over.
    """
    found: list[T] = []
    for _ in range(PARTS):
        looked_through = part(cursor, limit - len(found))
        found += filter(fits, looked_through.items)
        cursor = looked_through.next
        if cursor is None or len(found) == limit:
            break
    return Page(tuple(found), next=cursor)
