"""Answers as commands print them for people: one row a line, and nothing cut to fit the terminal.

What is cut cannot be copied into the next command, and a pipe has no width at all. Much of it was
written by others: nothing of that may steer the terminal.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.text import Text

from broker.domain.plain_text import plain

_BETWEEN = "  "


def print_rows(
    headings: Sequence[str], rows: Sequence[Sequence[str]], *, bold: Collection[int] = ()
) -> None:
    """Print `rows` in columns under `headings`; `bold` are the indexes of rows that stand out."""
    one_lined = [[" ".join(plain(cell).split()) for cell in row] for row in rows]
    widths = [max(map(cell_len, column)) for column in zip(headings, *one_lined, strict=True)]
    console = Console(soft_wrap=True, highlight=False)
    console.print(Text(_line(headings, widths), style="bold"))
    for index, row in enumerate(one_lined):
        console.print(Text(_line(row, widths), style="bold" if index in bold else ""))


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


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = (set_cell_size(cell, width) for cell, width in zip(cells, widths, strict=True))
    return _BETWEEN.join(padded).rstrip()
