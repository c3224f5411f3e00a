"""Lists for people: a row stays on one line in a pipe, and what is to be copied stays whole."""

from __future__ import annotations

import re
import sys
from datetime import UTC, datetime

import pytest

from broker.cli.answers.rows import print_rows, second


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


GRANT = ("gr-0123456789abcdef0123", "requested", "jane", "111122223333", "T-1042")
HEADINGS = ("Grant", "State", "Engineer", "Account", "Ticket", "Revoked", "Ends", "Reason")
REASON = "compare the invoices of Monday with those of Tuesday, and ask them for both"


def _in_a_terminal(columns, monkeypatch, capsys, *rows):
    """The lines that somebody sees there."""
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", str(columns))
    print_rows(HEADINGS, rows)
    return re.sub(r"\x1b\[[0-9;]*m", "", capsys.readouterr().out).splitlines()


@pytest.mark.parametrize("columns", [40, 60, 80, 100])
def test_in_a_terminal_no_line_is_longer_than_that(columns, monkeypatch, capsys):
    """What finds no place stands below the row under its name, and every id is whole."""
    row = (*GRANT, "", "2026-11-24T20:16:43Z", REASON)
    lines = _in_a_terminal(columns, monkeypatch, capsys, row, row)
    assert max(map(len, lines)) <= columns
    shown = " ".join(" ".join(lines).split())
    for cell in (*GRANT, "2026-11-24T20:16:43Z", f"Reason: {REASON}"):
        assert shown.count(cell) >= 2


def test_what_fits_stays_in_its_row(monkeypatch, capsys):
    """With the columns that say something, and no others."""
    row = (*GRANT, "", "2026-11-24T20:16:43Z", "")
    heading, first, second_row = _in_a_terminal(100, monkeypatch, capsys, row, row)
    assert heading.split() == ["Grant", "State", "Engineer", "Account", "Ticket", "Ends"]
    assert first == second_row
    assert first.split() == [cell for cell in row if cell]


def test_an_id_is_whole_however_narrow_the_terminal(monkeypatch, capsys):
    """One that is wider than the terminal is left to the terminal, which copies it as one."""
    lines = _in_a_terminal(12, monkeypatch, capsys, (*GRANT, "", "", ""))
    assert lines[1] == GRANT[0]
    assert "    111122223333" in lines


def test_times_in_tables_are_to_the_second():
    """In UTC; what is more exact stands in the JSON."""
    assert second(datetime(2026, 11, 24, 20, 16, 43, 240_000, UTC)) == "2026-11-24T20:16:43Z"
