"""Lists in parts are read as one, and no part before it is needed."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice

from broker.client.paging import every
from broker.contract.base import AccountListQuery
from broker.domain.identifiers import AccountId

ACCOUNT = AccountId("111122223333")


@dataclass(frozen=True)
class Part:
    """Two numbers, and the way to the next two."""

    items: list[int]
    next: str | None


class Numbers:
    """A list of six numbers that remembers how it was asked."""

    def __init__(self) -> None:
        self.asked: list[AccountListQuery] = []

    def __call__(self, query: AccountListQuery) -> Part:
        self.asked.append(query)
        first = int(query.cursor or 0)
        return Part([first, first + 1], str(first + 2) if first < 4 else None)


def test_every_item_comes_once_and_in_order() -> None:
    """With the same filter, in the largest parts that there are."""
    numbers = Numbers()
    assert list(every(numbers, AccountListQuery(account_id=ACCOUNT))) == [0, 1, 2, 3, 4, 5]
    assert [query.cursor for query in numbers.asked] == [None, "2", "4"]
    assert {query.account_id for query in numbers.asked} == {ACCOUNT}
    assert {query.limit for query in numbers.asked} == {200}


def test_whoever_has_enough_asks_no_more() -> None:
    """A part is asked for when its first item is."""
    numbers = Numbers()
    assert list(islice(every(numbers, AccountListQuery()), 3)) == [0, 1, 2]
    assert len(numbers.asked) == 2


def test_the_size_of_a_part_is_the_callers_to_choose() -> None:
    """Where one is named, it stays."""
    numbers = Numbers()
    list(every(numbers, AccountListQuery(limit=2)))
    assert {query.limit for query in numbers.asked} == {2}
