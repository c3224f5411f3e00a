"""Lists in parts, read as a whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol, TypeVar

from broker.contract.base import LARGEST_PART, ListQuery

Item_co = TypeVar("Item_co", covariant=True)
Query = TypeVar("Query", bound=ListQuery)


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
    query says otherwise.
    """
    if "limit" not in query.model_fields_set:
        query = query.model_copy(update={"limit": LARGEST_PART})
    while True:
        part = ask(query)
        yield from part.items
        if part.next is None:
            return
        query = query.model_copy(update={"cursor": part.next})
