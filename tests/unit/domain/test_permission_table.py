"""The table of permissions as text says what the table says."""

from __future__ import annotations

import pytest

from broker.domain.identity.permission_table import NO, grid, permissions
from broker.domain.identity.permissions import PERMITTED, Action, Condition, Role


def cells(line):
    """The cells of a line of a Markdown table."""
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_every_action_and_every_role_has_its_cell():
    """Read back, the text gives the table again: nothing left out, nothing made up."""
    heading, rule, *rows = permissions().splitlines()
    assert cells(heading) == ["action", *(f"`{role.value}`" for role in Role)]
    assert set("".join(cells(rule))) == {"-"}
    read = {}
    for row in rows:
        name, *conditions = cells(row)
        told = zip(Role, conditions, strict=True)
        read[Action(name.strip("`"))] = {role: word for role, word in told if word != NO}
    said = {
        action: {
            role: "yes" if condition is Condition.ALWAYS else condition.value
            for role, condition in row.items()
        }
        for action, row in PERMITTED.items()
    }
    assert read == said


def test_a_grid_lines_up():
    """Each column is as wide as its widest cell."""
    drawn = grid("who", ["a", "long"], {"jane": ["yes", "no"], "x": ["", "-"]})
    assert drawn == (
        "| who  | a   | long |\n"
        "| ---- | --- | ---- |\n"
        "| jane | yes | no   |\n"
        "| x    |     | -    |\n"
    )


def test_a_row_of_another_length_is_refused():
    """A cell under the wrong heading would be a lie."""
    with pytest.raises(ValueError, match="zip"):
        grid("who", ["a", "b"], {"jane": ["yes"]})
