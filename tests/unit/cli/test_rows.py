"""Lists for people: a row stays on one line, and what is to be copied stays whole."""

from __future__ import annotations

import pytest

from broker.cli.answers.rows import print_rows


@pytest.mark.parametrize("columns", ["20", "80"])
def test_no_cell_is_cut_however_narrow_the_terminal(columns, monkeypatch, capsys):
    """An id, an account and a time of full length, side by side."""
    monkeypatch.setenv("COLUMNS", columns)
    cells = ("gr-0123456789abcdef0123", "111122223333", "2026-11-24T20:16:43.240Z", "x" * 60)
    print_rows(("Grant", "Account", "Ends", "Reason"), [cells])
    _, row = capsys.readouterr().out.splitlines()
    assert row.split() == list(cells)


def test_columns_stand_under_their_headings(capsys):
    """The widest cell makes the column, also where characters are two cells wide."""
    print_rows(("Id", "Customer", "State"), [("1", "港湾", "active"), ("22", "Orchard", "removed")])
    heading, wide, narrow = capsys.readouterr().out.splitlines()
    assert heading == "Id  Customer  State"
    assert wide == "1   港湾      active"
    assert narrow == "22  Orchard   removed"


def test_a_cell_of_several_lines_stays_in_its_row(capsys):
    """A reason may hold line breaks."""
    print_rows(("Reason", "State"), [("first\n second", "approved")])
    assert capsys.readouterr().out.splitlines()[1:] == ["first second  approved"]


def test_no_blanks_at_the_end(capsys):
    """A long reason in one row must not fold all the others."""
    print_rows(("Id", "Reason"), [("1", "x" * 200), ("2", "")])
    assert capsys.readouterr().out.splitlines()[2] == "2"
