"""Lists in parts are read as one, and no part before it is needed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice

import pytest

from broker.client.errors import EndlessList
from broker.client.paging import MOST_PARTS, every
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


class Endless:
    """A list whose every part says that there is another one, as `follow` names it."""

    def __init__(self, follow: Callable[[int], str]) -> None:
        self.follow = follow
        self.asked = 0

    def __call__(self, _: AccountListQuery) -> Part:
        self.asked += 1
        return Part([self.asked], self.follow(self.asked))


def test_a_list_that_leads_in_a_circle_is_read_once() -> None:
    """Items that were read come; then it is said, and nothing more is asked."""
    circle = Endless(lambda asked: f"part {asked % 3}")
    items = every(circle, AccountListQuery())
    assert list(islice(items, 4)) == [1, 2, 3, 4]
    with pytest.raises(EndlessList):
        next(items)
    assert circle.asked == 4


def test_a_list_that_leads_ever_on_is_left_at_some_part() -> None:
    """Though each cursor is a new one."""
    ever_on = Endless(str)
    with pytest.raises(EndlessList):
        list(every(ever_on, AccountListQuery()))
    assert ever_on.asked == MOST_PARTS


def test_a_cursor_that_no_broker_gives_is_not_followed() -> None:
    """It would have to be part of an address."""
    heavy = Endless(lambda _: "x" * 100_000)
    with pytest.raises(EndlessList):
        list(every(heavy, AccountListQuery()))
    assert heavy.asked == 1
