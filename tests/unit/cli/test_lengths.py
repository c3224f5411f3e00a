"""Lengths of time on the command line, as people write them."""

from __future__ import annotations

import click
import pytest
from click.testing import CliRunner

from broker.cli.grammar.lengths import Length


@click.command()
@click.option("--duration", type=Length(least=900))
@click.option("--wait", type=Length(), default=60)
def _command(*, duration: int | None, wait: int) -> None:
    click.echo(f"{duration!r} {wait!r}")


@pytest.mark.parametrize(
    ("typed", "seconds"),
    [
        ("3600", 3600),
        ("1h", 3600),
        ("90m", 5400),
        ("1h30m", 5400),
        ("1H30M", 5400),
        ("1h1m1s", 3661),
        ("900s", 900),
        ("0900", 900),
    ],
)
def test_each_spelling_is_taken(typed: str, seconds: int) -> None:
    """With units, or in seconds as ever."""
    assert CliRunner().invoke(_command, ["--duration", typed]).output == f"{seconds} 60\n"


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "h",
        "1",
        "1.5h",
        "1h30",
        "30m1h",
        "1d",
        "an hour",
        "-1h",
        "1 h",
        "1h\n",
        "٣h",
        "9" * 5000,
    ],
)
def test_anything_else_is_told_with_what_would_do(typed: str) -> None:
    """And so is what is too short."""
    ran = CliRunner().invoke(_command, ["--duration", typed])
    assert ran.exit_code == 2
    short = "1 is shorter than 15m."
    assert short in ran.output if typed == "1" else "write 1h, 90m or 3600." in ran.output


def test_nothing_may_be_a_length() -> None:
    """Where no shortest one is named, and a number that is no text stays what it is."""
    assert CliRunner().invoke(_command, ["--wait", "0"]).output == "None 0\n"
    filled_in = CliRunner().invoke(_command, [], default_map={"duration": 1800})
    assert filled_in.output == "1800 60\n"
