"""Lists in parts, read as a whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol, TypeVar

from broker.client.errors import EndlessList
from broker.contract.base import LARGEST_PART, ListQuery

Item_co = TypeVar("Item_co", covariant=True)
AnyPart = TypeVar("AnyPart", bound="Part[object]")
Query = TypeVar("Query", bound=ListQuery)


MOST_PARTS = 10_000
"""Of a list that is believed: two million items, where they are asked for by the largest parts."""

_LONGEST_CURSOR = 8000
"""Characters. That of a session's activity names what is known of each Region."""


class Part(Protocol[Item_co]):
    """One part of a list, and the cursor of the next."""

    @property
    def items(self) -> Sequence[Item_co]:
        """What is in this part."""

    @property
    def next(self) -> str | None:
        """The cursor of the next part; None where this is the last."""


def every(ask: Callable[[Query], Part[Item_co]], query: Query) -> Iterator[Item_co]:
    """Every item of a list, as `every(broker.list_sessions, AccountListQuery())`.

    Asks for the next part when it is needed, and for parts as large as they may be, unless the
    query says otherwise. Raises EndlessList, and what `ask` raises.
    """
    if "limit" not in query.model_fields_set:
        query = query.model_copy(update={"limit": LARGEST_PART})
    for part in parts(ask, query):
        yield from part.items


def parts(ask: Callable[[Query], AnyPart], query: Query) -> Iterator[AnyPart]:
    """Every part of a list, in order, each asked for when it is needed.

    Raises EndlessList where the broker's cursors lead in a circle, or on for longer than any list
    of a broker's is; and what `ask` raises.
    """
    seen: set[str] = set()
    while True:
        part = ask(query)
        yield part
        if part.next is None:
            return
        if part.next in seen or len(part.next) > _LONGEST_CURSOR or len(seen) + 1 >= MOST_PARTS:
            raise EndlessList
        seen.add(part.next)
        query = query.model_copy(update={"cursor": part.next})
