"""How commands show that something lasts, everywhere alike.

On standard error, so that answers stay clean; on a terminal it moves and is gone at the end, and
elsewhere there are only the lines that somebody reads later in a log. rich is loaded only where
something moves.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from enum import Enum, auto
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import click

from broker.domain.plain_text import plain

if TYPE_CHECKING:
    from rich.progress import Progress, ProgressColumn, TaskID

Sized = TypeVar("Sized", bound=bytes)

_AT_LEAST = 0.1
"""Seconds between two looks at how far it is: counting must cost nothing beside what is counted."""


class Unit(Enum):
    """What is counted."""

    NOTHING = auto()
    STEPS = auto()
    BYTES = auto()


class Waiting(Protocol):
    """Something that lasts."""

    def show(self, doing: str) -> None:
        """What is being done now: on a terminal only."""

    def tell(self, reached: str) -> None:
        """How far it has come: on a terminal in place, elsewhere as a line of its own."""

    def advance(self, by: int = 1) -> None:
        """So much more is done."""


def moves() -> bool:
    """Whether standard error is a terminal on which something can move."""
    return sys.stderr.isatty() and os.environ.get("TERM") != "dumb"


@contextmanager
def waiting(
    doing: str, *, unit: Unit = Unit.NOTHING, total: int | None = None
) -> Iterator[Waiting]:
    """Show that `doing` lasts, with its seconds, and how far it is where it can be counted."""
    if not moves():
        yield _InLines()
        return
    from rich.console import Console  # noqa: PLC0415 - for terminals only
    from rich.progress import Progress  # noqa: PLC0415

    console = Console(stderr=True, highlight=False)
    with Progress(*_columns(unit), console=console, transient=True) as progress:
        yield _OnTerminal(progress, progress.add_task(doing, total=total))


def counted(pieces: Iterable[Sized], progress: Waiting) -> Iterator[Sized]:
    """The same pieces; their bytes are counted as they pass."""
    passed, told_at = 0, time.monotonic()
    for piece in pieces:
        passed += len(piece)
        if time.monotonic() - told_at >= _AT_LEAST:
            progress.advance(passed)
            passed, told_at = 0, time.monotonic()
        yield piece
    progress.advance(passed)


class _InLines:
    """For logs and pipes."""

    def show(self, doing: str) -> None:
        """See Waiting."""

    def tell(self, reached: str) -> None:
        """See Waiting."""
        click.echo(plain(reached), err=True)

    def advance(self, by: int = 1) -> None:
        """See Waiting."""


class _OnTerminal:
    """One line that changes in place."""

    def __init__(self, progress: Progress, task: TaskID) -> None:
        self._progress, self._task = progress, task

    def show(self, doing: str) -> None:
        """See Waiting."""
        self._progress.update(self._task, description=plain(doing))

    def tell(self, reached: str) -> None:
        """See Waiting."""
        self.show(reached)

    def advance(self, by: int = 1) -> None:
        """See Waiting."""
        self._progress.advance(self._task, by)


def _columns(unit: Unit) -> Iterable[ProgressColumn]:
    from rich import progress as rich  # noqa: PLC0415 - for terminals only

    counting: dict[Unit, tuple[Any, ...]] = {
        Unit.NOTHING: (),
        Unit.STEPS: (rich.BarColumn(bar_width=20), rich.MofNCompleteColumn()),
        Unit.BYTES: (rich.DownloadColumn(), rich.TransferSpeedColumn()),
    }
    # What others wrote may stand in a description: nothing of it is markup.
    said = rich.TextColumn("{task.description}", markup=False)
    return (rich.SpinnerColumn(), said, *counting[unit], rich.TimeElapsedColumn())
