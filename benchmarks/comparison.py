"""Two ways to the same end, measured in turns, and what the ratio of the two says.

Absolute figures belong to a machine and a moment; the ratio of two neighbouring measurements
mostly does not.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

Measure = Callable[[], float]
"""Does one round's work and returns its figure, in the unit of the comparison."""


class BenchmarkFailed(Exception):
    """A benchmark could not be run, or what it measured did not do its work."""


class Bound(StrEnum):
    """On which side of a goal a ratio must lie."""

    AT_LEAST = "≥"
    AT_MOST = "≤"


@dataclass(frozen=True, slots=True)
class Goal:
    """A ratio to reach, or not to exceed."""

    bound: Bound
    ratio: float

    def is_met_by(self, ratio: float) -> bool:
        """Whether `ratio` is as good as the goal, or better."""
        return ratio >= self.ratio if self.bound is Bound.AT_LEAST else ratio <= self.ratio

    def __str__(self) -> str:
        return f"{self.bound} {self.ratio:.2f}"


@dataclass(frozen=True, slots=True)
class Rounds:
    """The figures of both sides; the n-th of each were measured right after each other."""

    ours: tuple[float, ...]
    theirs: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """One line of the report. `unit` belongs to the figures; without a goal it is for reading."""

    what: str
    against: str
    unit: str
    rounds: Rounds
    goal: Goal | None = None

    @property
    def ours(self) -> float:
        """The median of our figures."""
        return statistics.median(self.rounds.ours)

    @property
    def theirs(self) -> float:
        """The median of the other side's figures."""
        return statistics.median(self.rounds.theirs)

    @property
    def ratio(self) -> float:
        """Ours to theirs: the median over the rounds, so that a slow spell meets both alike."""
        return statistics.median(self._ratios())

    @property
    def spread(self) -> tuple[float, float]:
        """The smallest and the largest ratio of a round."""
        ratios = self._ratios()
        return min(ratios), max(ratios)

    @property
    def is_met(self) -> bool | None:
        """Whether the goal is met; None where there is none."""
        return None if self.goal is None else self.goal.is_met_by(self.ratio)

    def _ratios(self) -> list[float]:
        pairs = zip(self.rounds.ours, self.rounds.theirs, strict=True)
        return [ours / theirs for ours, theirs in pairs]


def in_turns(ours: Measure, theirs: Measure, *, rounds: int) -> Rounds:
    """Measure both `rounds` times, after one round to warm up; each goes first every other time."""
    pairs = [_pair(ours, theirs, ours_first=number % 2 == 0) for number in range(rounds + 1)]
    return Rounds(*(tuple(figures) for figures in zip(*pairs[1:], strict=True)))


def _pair(ours: Measure, theirs: Measure, *, ours_first: bool) -> tuple[float, float]:
    if ours_first:
        return ours(), theirs()
    other = theirs()
    return ours(), other
