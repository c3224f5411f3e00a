"""The report: a table for people, JSON for whoever keeps the figures."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from rich import box
from rich.table import Table

from benchmarks.comparison import Comparison

_VERDICTS = {True: "met", False: "missed", None: ""}
_WHOLE = 100
"""Figures from here on are printed without decimals."""


def table(comparisons: Iterable[Comparison]) -> Table:
    """One row a comparison, the ratio before the figures that it was made of."""
    rows = Table(box=box.SIMPLE, pad_edge=False, padding=(0, 1))
    for heading in ("what", "against"):
        rows.add_column(heading)
    for heading in ("ratio", "of rounds", "goal", "ours", "theirs"):
        rows.add_column(heading, justify="right", no_wrap=True)
    rows.add_column("", no_wrap=True)
    for comparison in comparisons:
        low, high = comparison.spread
        rows.add_row(
            comparison.what,
            comparison.against,
            f"{comparison.ratio:.2f}",
            f"{low:.2f} to {high:.2f}",
            str(comparison.goal or ""),
            _figure(comparison.ours),
            _figure(comparison.theirs),
            f"{comparison.unit}  {_VERDICTS[comparison.is_met]}",
        )
    return rows


def as_json(comparisons: Sequence[Comparison]) -> str:
    """The same, with every round's figures."""
    return json.dumps([_members(comparison) for comparison in comparisons], indent=2)


def _figure(figure: float) -> str:
    return f"{figure:,.{0 if figure >= _WHOLE else 2}f}"


def _members(comparison: Comparison) -> dict[str, object]:
    return {
        "what": comparison.what,
        "against": comparison.against,
        "unit": comparison.unit,
        "ratio": comparison.ratio,
        "spread": list(comparison.spread),
        "goal": None if comparison.goal is None else str(comparison.goal),
        "met": comparison.is_met,
        "ours": list(comparison.rounds.ours),
        "theirs": list(comparison.rounds.theirs),
    }
