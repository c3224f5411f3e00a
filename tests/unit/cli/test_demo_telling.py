"""The demo's lines can be read in a terminal, in a log and without colour."""

from __future__ import annotations

import io
import re
from collections.abc import Callable

from rich.console import Console

from broker.cli.demo.steps import Step, together
from broker.cli.demo.telling import Telling

HELD = Step(title="making a bucket is refused", expected="AccessDenied", got="AccessDenied")
FAILED = Step(title="reading", expected="3 roles", got="2 roles", detail="one\nis missing\n")


def _told(tell: Callable[[Telling], object], encoding: str = "utf-8") -> str:
    """What `tell` prints where the output is not a terminal."""
    raw = io.BytesIO()
    output = io.TextIOWrapper(raw, encoding=encoding, write_through=True)
    tell(Telling(Console(file=output)))
    return raw.getvalue().decode(encoding)


def test_a_step_is_one_line_of_plain_words() -> None:
    """Mark, number, title, what was expected and what came; no colours outside a terminal."""
    line = _told(lambda telling: telling.step(HELD))
    assert re.fullmatch(
        r"✓  1  making a bucket is refused +expected AccessDenied +got AccessDenied\n", line
    )


def test_a_step_that_does_not_hold_shows_the_whole_answer() -> None:
    """It has another mark, and the details stand below it."""
    first, *details = _told(lambda telling: telling.step(FAILED)).splitlines()
    assert re.fullmatch(r"✗  1  reading +expected 3 roles +got 2 roles", first)
    assert details == ["      one", "      is missing"]


def test_the_columns_stand_below_each_other() -> None:
    """Also with two-digit numbers."""

    def tell(telling: Telling) -> None:
        for _ in range(12):
            telling.step(HELD)

    lines = _told(tell).splitlines()
    assert len({line.index("expected") for line in lines}) == 1
    assert len({line.index("got") for line in lines}) == 1


def test_an_output_without_unicode_is_served_too() -> None:
    """A log of plain ASCII gets other marks instead of an error."""

    def tell(telling: Telling) -> None:
        with telling.meanwhile("Starting"):
            telling.step(HELD)
            telling.step(FAILED)

    lines = _told(tell, encoding="ascii").splitlines()
    assert lines[0] == "Starting ..."
    assert lines[1].startswith("ok  1")
    assert lines[2].startswith("NO  2")


def test_markup_in_an_answer_is_printed_as_it_is() -> None:
    """What a program said is no formatting: brackets stay."""
    step = Step(title="[bold]x[/bold]", expected="[red]", got="[red]")
    assert "[bold]x[/bold]" in _told(lambda telling: telling.step(step))


def test_the_end_names_the_steps_that_did_not_hold() -> None:
    """By number, so that they are found in a long log."""

    def tell(telling: Telling) -> None:
        for step in (HELD, FAILED, HELD, FAILED):
            telling.step(step)
        telling.end(seconds=1)

    assert _told(tell).endswith("2 of 4 steps did not hold: 2, 4.\n")


def test_the_end_counts_the_steps_that_held() -> None:
    """With the time it took."""

    def tell(telling: Telling) -> None:
        telling.step(HELD)
        telling.end(seconds=2.345)

    assert _told(tell).endswith("All 1 steps held, in 2.3 seconds.\n")


def test_steps_tried_together_are_told_in_order() -> None:
    """Whichever ends first."""
    steps = [Step(title=str(number), expected="", got="") for number in range(20)]
    told = together(*((lambda step=step: step) for step in steps))
    assert list(told) == steps
