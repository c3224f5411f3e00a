"""The bulkhead: so many at once and no more, and every place is given back."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from broker.errors import DependencyUnavailable
from broker.services.bulkhead import Bulkhead, places_for_visits, places_of


def test_who_finds_no_place_is_sent_away_and_told_when_to_come_again():
    bulkhead = Bulkhead(2)
    with ExitStack() as taken:
        for _ in range(2):
            taken.enter_context(bulkhead.place())
        with pytest.raises(DependencyUnavailable) as refused, bulkhead.place():
            pytest.fail("there was a third place")
    assert refused.value.code == "too_busy"
    assert refused.value.extra == {"retry_after": 1}


def test_a_place_is_given_back_also_after_a_failure():
    bulkhead = Bulkhead(1)
    for _ in range(3):
        with pytest.raises(ZeroDivisionError), bulkhead.place():
            raise ZeroDivisionError


@pytest.mark.parametrize(
    ("threads", "places"), [(2, 1), (3, 1), (4, 2), (8, 6), (32, 24), (256, 192)]
)
def test_some_threads_are_always_left_for_what_aws_fetches(threads, places):
    assert places_of(threads) == places
    assert places < threads


def test_a_part_of_the_places_is_never_more_than_is_left_of_all():
    """And whoever finds no place in the whole gives back the one in the part."""
    whole = Bulkhead(2)
    part = Bulkhead(1, within=whole)
    with part.place():
        with pytest.raises(DependencyUnavailable), part.place():
            pytest.fail("the part had one place only")
        with whole.place(), pytest.raises(DependencyUnavailable), whole.place():
            pytest.fail("the part has one of the two")
    with whole.place(), whole.place(), pytest.raises(DependencyUnavailable), part.place():
        pytest.fail("all places are taken")
    with part.place(), whole.place():
        pass


@pytest.mark.parametrize(("threads", "visits"), [(2, 1), (4, 1), (8, 1), (32, 6)])
def test_most_of_the_waiting_is_left_to_sessions(threads, visits):
    assert places_for_visits(threads) == visits
    assert visits <= places_of(threads)
