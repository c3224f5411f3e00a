"""Lists as commands print them for people: one row a line, and nothing cut to fit the terminal.

What is cut cannot be copied into the next command, and a pipe has no width at all.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.text import Text

_BETWEEN = "  "


def print_rows(
    headings: Sequence[str], rows: Sequence[Sequence[str]], *, bold: Collection[int] = ()
) -> None:
    """Print `rows` in columns under `headings`; `bold` are the indexes of rows that stand out."""
    one_lined = [[" ".join(cell.split()) for cell in row] for row in rows]
    widths = [max(map(cell_len, column)) for column in zip(headings, *one_lined, strict=True)]
    console = Console(soft_wrap=True, highlight=False)
    console.print(Text(_line(headings, widths), style="bold"))
    for index, row in enumerate(one_lined):
        console.print(Text(_line(row, widths), style="bold" if index in bold else ""))


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = (set_cell_size(cell, width) for cell, width in zip(cells, widths, strict=True))
    return _BETWEEN.join(padded).rstrip()
