"""The table of permissions as text: what the docs, the commands and the tests show of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from broker.domain.identity.permissions import PERMITTED, Action, Condition, Role

NO = ""
_IN_WORDS = {Condition.ALWAYS: "yes"}


def permissions() -> str:
    """Who may do what, as a Markdown table: an action a row, a role a column."""
    rows = {
        f"`{action.value}`": [in_words(PERMITTED[action].get(role)) for role in Role]
        for action in Action
    }
    return grid("action", [f"`{role.value}`" for role in Role], rows)


def in_words(condition: Condition | None) -> str:
    """What stands in a cell of the table; nothing where a role may not."""
    return NO if condition is None else _IN_WORDS.get(condition, condition.value)


def grid(corner: str, columns: Sequence[str], rows: Mapping[str, Sequence[str]]) -> str:
    """A Markdown table that lines up, so that it can also be read as it stands.

    Raises ValueError for a row that has not a cell for each column.
    """
    lines = [[corner, *columns], *([name, *cells] for name, cells in rows.items())]
    widths = [max(map(len, cells)) for cells in zip(*lines, strict=True)]
    rule = ["-" * width for width in widths]
    return "\n".join(_line(cells, widths) for cells in (lines[0], rule, *lines[1:])) + "\n"


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = (cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
    return f"| {' | '.join(padded)} |"
