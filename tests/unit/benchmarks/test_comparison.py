"""The arithmetic of the benchmarks, and that a missed goal is told and not raised."""

from __future__ import annotations

import json
from io import StringIO

import pytest
from click.testing import CliRunner
from rich.console import Console

from benchmarks import __main__ as command
from benchmarks import report
from benchmarks.comparison import (
    BenchmarkFailed,
    Bound,
    Comparison,
    Goal,
    Rounds,
    in_turns,
)


def comparison(ours, theirs, goal=None):
    return Comparison(
        what="cats", against="dogs", unit="ms", rounds=Rounds(ours, theirs), goal=goal
    )


def test_the_ratio_is_the_median_over_the_rounds_and_not_the_ratio_of_the_medians():
    slow_spell = comparison(ours=(2.0, 20.0, 3.0), theirs=(1.0, 10.0, 2.0))
    assert slow_spell.ratio == 2.0
    assert slow_spell.spread == (1.5, 2.0)
    assert (slow_spell.ours, slow_spell.theirs) == (3.0, 2.0)


@pytest.mark.parametrize(
    ("bound", "ratio", "is_met"),
    [
        (Bound.AT_LEAST, 0.79, False),
        (Bound.AT_LEAST, 0.8, True),
        (Bound.AT_MOST, 0.8, True),
        (Bound.AT_MOST, 0.81, False),
    ],
)
def test_a_goal_is_met_up_to_its_own_value(bound, ratio, is_met):
    assert Goal(bound, 0.8).is_met_by(ratio) is is_met


def test_without_a_goal_nothing_is_met_or_missed():
    assert comparison((1.0,), (1.0,)).is_met is None


def test_the_sides_take_turns_in_going_first_and_the_first_round_is_thrown_away():
    order = []

    def side(name):
        def measure():
            order.append(name)
            return float(len(order))

        return measure

    rounds = in_turns(side("ours"), side("theirs"), rounds=2)
    assert order == ["ours", "theirs", "theirs", "ours", "ours", "theirs"]
    assert rounds == Rounds(ours=(4.0, 5.0), theirs=(3.0, 6.0))


def test_the_table_says_what_was_met_and_what_was_missed():
    console = Console(width=112, record=True, file=StringIO())
    goal = Goal(Bound.AT_MOST, 1.25)
    console.print(
        report.table([comparison((1.0,), (1.0,), goal), comparison((3.0,), (2.0,), goal)])
    )
    met, missed = [line for line in console.export_text().splitlines() if "cats" in line]
    assert "1.00" in met
    assert "≤ 1.25" in met
    assert met.rstrip().endswith("met")
    assert "1.50" in missed
    assert missed.rstrip().endswith("missed")


def invoke(monkeypatch, *arguments, **benchmarks):
    monkeypatch.setattr(command, "BENCHMARKS", benchmarks)
    return CliRunner().invoke(command.main, arguments)


def missing_its_goal(rounds):
    yield comparison((3.0,) * rounds, (2.0,) * rounds, Goal(Bound.AT_MOST, 1.25))


def failing(_):
    yield comparison((1.0,), (1.0,))
    raise BenchmarkFailed("nobody answered")


def test_a_missed_goal_leaves_the_status_at_zero(monkeypatch):
    result = invoke(monkeypatch, "--rounds", "2", a=missing_its_goal)
    assert result.exit_code == 0
    assert "missed" in result.output


def test_what_does_not_run_fails_the_command_but_not_the_others(monkeypatch):
    result = invoke(monkeypatch, a=failing, b=missing_its_goal)
    assert result.exit_code == 1
    assert "a did not run: nobody answered" in result.output
    assert "1.50" in result.output


def test_as_json_every_round_is_kept(monkeypatch):
    result = invoke(monkeypatch, "--rounds", "3", "--json", a=missing_its_goal)
    (told,) = json.loads(result.stdout)
    assert told["ratio"] == 1.5
    assert told["met"] is False
    assert told["ours"] == [3.0, 3.0, 3.0]
