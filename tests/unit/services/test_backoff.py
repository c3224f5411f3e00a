"""Tries move apart, up to a bound, and never coincide by design."""

from __future__ import annotations

from datetime import timedelta

import pytest

from broker.services.background.backoff import FIRST, LONGEST, retry_after


@pytest.mark.parametrize(
    ("failures", "bound"),
    [(1, FIRST), (2, 2 * FIRST), (3, 4 * FIRST), (8, LONGEST), (10_000, LONGEST)],
)
def test_the_bound_doubles_up_to_the_longest(failures: int, bound: timedelta) -> None:
    assert retry_after(failures, draw=lambda: 1.0) == bound


def test_the_whole_range_below_the_bound_is_used() -> None:
    assert retry_after(3, draw=lambda: 0.25) == FIRST


def test_a_second_passes_in_any_case() -> None:
    assert retry_after(1, draw=lambda: 0.0) == timedelta(seconds=1)


def test_first_and_longest_may_be_chosen() -> None:
    first, longest = timedelta(seconds=2), timedelta(seconds=5)
    waits = [retry_after(n, first=first, longest=longest, draw=lambda: 1.0) for n in (1, 2, 3)]
    assert waits == [first, 2 * first, longest]


def test_no_two_draws_agree() -> None:
    """Apart from those few that would be shorter than the shortest wait."""
    assert len({retry_after(5) for _ in range(100)}) > 90
