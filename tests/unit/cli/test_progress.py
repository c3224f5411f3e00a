"""What lasts is shown on standard error: moving on a terminal, in lines elsewhere."""

from __future__ import annotations

import os
import pty
import subprocess
import sys

import pytest

from broker.cli.progress import counted, waiting

SCRIPT = """
import sys
from broker.cli.progress import Unit, counted, waiting

with waiting("Looking [bold]into[/bold] it …", unit=Unit.STEPS, total=4) as progress:
    progress.show("Now the second")
    progress.advance(3)
    progress.tell("3 are done")
with waiting("Reading …", unit=Unit.BYTES, total=6) as progress:
    assert list(counted([b"abc", b"def"], progress)) == [b"abc", b"def"]
print("the answer")
print("rich" in sys.modules)
"""


def _on_a_terminal(**environment: str) -> tuple[str, str]:
    """What the script prints, and what a terminal gets that is its standard error."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-c", SCRIPT],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=theirs,
        text=True,
        env={**os.environ, "TERM": "xterm", **environment},
    ) as process:
        os.close(theirs)
        shown = b""
        while piece := _read(ours):
            shown += piece
        os.close(ours)
        assert process.stdout is not None
        answer = process.stdout.read()
    assert process.returncode == 0, shown.decode()
    return answer, shown.decode()


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 65536)
    except OSError:  # Linux says so once nobody holds the other end any more.
        return b""


def test_it_moves_on_a_terminal_and_is_gone_at_the_end():
    """What is done, how much of it, for how long; the answer is nowhere near."""
    answer, shown = _on_a_terminal()
    assert answer == "the answer\nTrue\n"
    assert "Looking [bold]into[/bold] it …" in shown
    assert "3 are done" in shown
    assert "3/4" in shown
    assert "6/6 bytes" in shown
    assert "0:00:00" in shown
    assert shown.rstrip("\r\n").endswith("\x1b[2K"), "the line is not cleared"


def test_a_dumb_terminal_gets_lines():
    """An editor's shell cannot move its cursor."""
    answer, shown = _on_a_terminal(TERM="dumb")
    assert (answer, shown) == ("the answer\nFalse\n", "3 are done\r\n")


def test_elsewhere_there_are_lines_alone():
    """What a log can hold; rich is not even loaded."""
    ran = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "FORCE_COLOR": "1"},
    )
    assert (ran.stdout, ran.stderr) == ("the answer\nFalse\n", "3 are done\n")


def test_what_fails_in_between_stays_what_it_is():
    """Nothing is swallowed on the way out."""

    def pieces():
        yield b"a"
        raise LookupError

    with pytest.raises(LookupError), waiting("Failing …") as progress:
        list(counted(pieces(), progress))
