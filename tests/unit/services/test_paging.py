"""Lists that are read to their end."""

from __future__ import annotations

from itertools import islice

from broker.domain.ports import Page
from broker.services.paging import every

PARTS = {None: Page((1, 2), "a"), "a": Page((), "b"), "b": Page((3,), None)}


def test_every_item_comes_in_order_and_an_empty_part_is_no_end():
    """Where parts are filtered, one may be empty though others follow."""
    assert list(every(PARTS.__getitem__)) == [1, 2, 3]


def test_no_part_is_read_before_it_is_needed():
    """Who has found enough asks the store no more."""
    read = []

    def part(cursor):
        read.append(cursor)
        return PARTS[cursor]

    assert list(islice(every(part), 2)) == [1, 2]
    assert read == [None]
