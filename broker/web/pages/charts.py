"""Charts as SVG, drawn here so that a page needs no script for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from broker.services.insight.overview import Hour

WIDTH, HEIGHT = 720, 180
_LEFT, _RIGHT, _BOTTOM, _TOP = 34, 14, 24, 10
_LABELS_EVERY = 6


@dataclass(frozen=True, slots=True)
class Bar:
    """An hour: what was opened stands on the line, and what was refused on top of that."""

    x: float
    width: float
    opened_y: float
    opened_height: float
    refused_y: float
    refused_height: float
    told: str


@dataclass(frozen=True, slots=True)
class Label:
    """A word beside an axis."""

    at: float
    text: str


@dataclass(frozen=True, slots=True)
class Chart:
    """Bars, and the labels of both axes; in units of a `viewBox` of WIDTH by HEIGHT."""

    bars: tuple[Bar, ...]
    hours: tuple[Label, ...]
    counts: tuple[Label, ...]
    left: int = _LEFT
    base: int = HEIGHT - _BOTTOM
    width: int = WIDTH
    height: int = HEIGHT


def chart_of(hours: Sequence[Hour]) -> Chart:
    """The chart of these hours, the first at the left."""
    top = _round_up(max((each.opened + each.refused for each in hours), default=0))
    room = HEIGHT - _BOTTOM - _TOP
    step = (WIDTH - _LEFT - _RIGHT) / max(1, len(hours))
    base = HEIGHT - _BOTTOM

    def height(count: int) -> float:
        return round(count / top * room, 2)

    bars = tuple(
        Bar(
            x=round(_LEFT + index * step + step * 0.15, 2),
            width=round(step * 0.7, 2),
            opened_y=base - height(each.opened),
            opened_height=height(each.opened),
            refused_y=base - height(each.opened) - height(each.refused),
            refused_height=height(each.refused),
            told=f"{each.begins:%Y-%m-%d %H:00}: {each.opened} opened, {each.refused} refused",
        )
        for index, each in enumerate(hours)
    )
    return Chart(
        bars=bars,
        hours=tuple(
            Label(round(_LEFT + (index + 0.5) * step, 2), f"{each.begins:%H}h")
            for index, each in enumerate(hours)
            if each.begins.hour % _LABELS_EVERY == 0
        ),
        counts=tuple(Label(base - height(count), str(count)) for count in (0, top // 2, top)),
    )


def _round_up(most: int) -> int:
    """The next number with one digit that counts, and even: an axis is halved."""
    step: int = max(2, 10 ** (len(str(most)) - 1))
    return -(-max(most, 1) // step) * step
