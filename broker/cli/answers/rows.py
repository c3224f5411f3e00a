"""Answers as commands print them for people: nothing is cut to fit the terminal.

What is cut cannot be copied into the next command, and a pipe has no width at all: there a row is
a line. In a terminal the columns that find no place stand below the row, each with its name. Much
of it was written by others: nothing of that may steer the terminal.
"""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import accumulate

from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.text import Text

from broker.domain.plain_text import plain
from broker.domain.times import rfc3339

_BETWEEN = "  "
_BELOW = "    "


def print_rows(
    headings: Sequence[str], rows: Sequence[Sequence[str]], *, bold: Collection[int] = ()
) -> None:
    """Print `rows` in columns under `headings`; `bold` are the indexes of rows that stand out."""
    one_lined = [[" ".join(plain(cell).split()) for cell in row] for row in rows]
    console = Console(soft_wrap=True, highlight=False)
    room = console.width if sys.stdout.isatty() else None
    if room is not None:
        headings, one_lined = _with_something_in_them(headings, one_lined)
    widths = [max(map(cell_len, column)) for column in zip(headings, *one_lined, strict=True)]
    beside = len(widths) if room is None else _fitting(widths, room)
    widths = widths[:beside]
    console.print(Text(_line(headings[:beside], widths), style="bold"))
    for index, row in enumerate(one_lined):
        below = zip(headings[beside:], row[beside:], strict=True)
        for line in (_line(row[:beside], widths), *_below(dict(below), room or 0)):
            console.print(Text(line, style="bold" if index in bold else ""))


def second(moment: datetime) -> str:
    """A time in a table: to the second, since columns are dear; `--json` has all of it."""
    return rfc3339(moment.replace(microsecond=0))


def print_members(members: Sequence[tuple[str, str | None]]) -> None:
    """Print one member a line, and no line for what there is not."""
    width = max(len(name) for name, _ in members)
    console = Console(soft_wrap=True, highlight=False)
    for name, value in members:
        if value:
            console.print(Text.assemble((f"{plain(name):<{width}}  ", "dim"), plain(value)))


def print_lines(lines: Iterable[str], *, style: str = "") -> None:
    """Print each as a line of its own, however long it is."""
    console = Console(soft_wrap=True, highlight=False)
    for line in lines:
        console.print(Text(plain(line), style=style))


def _with_something_in_them(
    headings: Sequence[str], rows: Sequence[Sequence[str]]
) -> tuple[Sequence[str], list[list[str]]]:
    """The columns that say something of any row."""
    kept = [index for index in range(len(headings)) if any(row[index] for row in rows)]
    return [headings[index] for index in kept], [[row[index] for index in kept] for row in rows]


def _fitting(widths: Sequence[int], room: int) -> int:
    """How many columns find a place beside each other; the first one does in any case."""
    ends = accumulate(widths, lambda end, width: end + len(_BETWEEN) + width)
    return max(1, sum(end <= room for end in ends))


def _below(cells: Mapping[str, str], room: int) -> Iterator[str]:
    """The lines below a row, for the cells in which there is something."""
    named = [f"{heading}: {cell}" for heading, cell in cells.items() if cell]
    within = room - len(_BELOW)
    for line in _packed(named, _BETWEEN, within):
        yield from (f"{_BELOW}{part}" for part in _packed(line.split(" "), " ", within))


def _packed(pieces: Sequence[str], between: str, room: int) -> Iterator[str]:
    """Lines of as many pieces as find room; one that is longer has a line to itself."""
    line = ""
    for piece in pieces:
        longer = f"{line}{between}{piece}" if line else piece
        if line and cell_len(longer) > room:
            yield line
            longer = piece
        line = longer
    if line:
        yield line


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = (set_cell_size(cell, width) for cell, width in zip(cells, widths, strict=True))
    return _BETWEEN.join(padded).rstrip()
