"""Charts: bars stand on the line, stay inside, and their heights tell the counts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from broker.services.insight.overview import Hour
from broker.web.pages.charts import HEIGHT, WIDTH, chart_of

MIDNIGHT = datetime(2026, 11, 30, tzinfo=UTC)


def hours(counts: list[tuple[int, int]]) -> list[Hour]:
    """So many opened and refused, hour by hour."""
    return [
        Hour(MIDNIGHT + timedelta(hours=index), opened, refused)
        for index, (opened, refused) in enumerate(counts)
    ]


@given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 10**6)), min_size=1, max_size=72))
def test_everything_is_inside(counts: list[tuple[int, int]]) -> None:
    """Whatever the counts; and the axis is labelled with whole numbers, the middle one half."""
    chart = chart_of(hours(counts))
    for bar in chart.bars:
        assert 0 <= bar.x <= bar.x + bar.width <= WIDTH
        assert 0 <= bar.refused_y <= bar.opened_y <= chart.base <= HEIGHT
        assert abs(bar.opened_y + bar.opened_height - chart.base) < 0.02
        assert abs(bar.refused_y + bar.refused_height - bar.opened_y) < 0.02
    bottom, middle, top = (int(label.text) for label in chart.counts)
    assert bottom == 0
    assert top == 2 * middle
    assert top >= max(opened + refused for opened, refused in counts)


def test_heights_are_proportional() -> None:
    """Twice as many is twice as high; nothing has no height."""
    one, two, none = chart_of(hours([(5, 0), (10, 5), (0, 0)])).bars
    assert two.opened_height == 2 * one.opened_height
    assert two.refused_height == one.opened_height
    assert none.opened_height == none.refused_height == 0
    assert two.told == "2026-11-30 01:00: 10 opened, 5 refused"


def test_hours_are_labelled_by_the_quarter_of_a_day() -> None:
    """Others would not fit on a phone."""
    chart = chart_of(hours([(0, 0)] * 24))
    assert [label.text for label in chart.hours] == ["00h", "06h", "12h", "18h"]
