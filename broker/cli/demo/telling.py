"""Telling the story: one line a step, aligned, as readable in a log as in a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field

from rich.console import Console
from rich.text import Text

from broker.cli.demo.steps import Step

_TITLE, _EXPECTED = 60, 22
"""Columns of what was tried and of what was expected; what came stands at the end of the line."""


@dataclass
class Telling:
    """Writes to a console and counts the steps that it told."""

    console: Console
    steps: int = 0
    failed: list[int] = field(default_factory=list)

    @classmethod
    def on_standard_output(cls) -> Telling:
        """Colours and a spinner in a terminal only, and none if NO_COLOR is set."""
        return cls(Console())

    def chapter(self, title: str) -> None:
        """The heading of the steps that follow."""
        self.console.print()
        self._print(Text(title, style="bold"))

    def step(self, step: Step) -> None:
        """One line: mark, number, what was tried, what was expected, what came."""
        self.steps += 1
        line = Text(f"{self._mark(step)} {self.steps:>2}  ", style=_colour(step))
        line.append(f"{step.title:<{_TITLE}} ", style="not bold default")
        line.append("expected ", style="not bold default dim")
        line.append(f"{step.expected:<{_EXPECTED}} ", style="not bold default")
        line.append("got ", style="not bold default dim")
        line.append(step.got, style=_colour(step))
        self._print(line)
        if not step.held:
            self.failed.append(self.steps)
            for detail in step.detail.strip().splitlines():
                self.say(f"      {detail}")

    def end(self, *, seconds: float) -> None:
        """How it went in all."""
        self.say()
        if self.failed:
            numbers = ", ".join(map(str, self.failed))
            self.say(f"{len(self.failed)} of {self.steps} steps did not hold: {numbers}.")
        else:
            self.say(f"All {self.steps} steps held, in {seconds:.1f} seconds.")

    def say(self, sentence: str = "") -> None:
        """A plain line."""
        self._print(Text(sentence))

    @contextmanager
    def meanwhile(self, doing: str) -> Iterator[None]:
        """Say what is being done: while it lasts in a terminal, as a line of its own elsewhere."""
        if not self.console.is_terminal:
            self.say(f"{doing} …" if not self.console.options.ascii_only else f"{doing} ...")
        with self.console.status(doing) if self.console.is_terminal else nullcontext():
            yield

    def _print(self, text: Text) -> None:
        # Lines are not folded: a log or a pipe has no width.
        self.console.print(text, soft_wrap=True, highlight=False)

    def _mark(self, step: Step) -> str:
        held, failed = ("ok", "NO") if self.console.options.ascii_only else ("✓", "✗")
        return held if step.held else failed


def _colour(step: Step) -> str:
    return "green" if step.held else "bold red"
