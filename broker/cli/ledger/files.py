"""Files of ledgers: read line by line, and written under their name only once they are whole."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Self

import click

from broker.domain.ledger.lines import LONGEST_LINE

OWNER_ONLY = 0o600


def lines_of(path: Path) -> Iterator[bytes]:
    """The lines of a file with their line feeds, of each no more than one byte too many."""
    with path.open("rb") as file:
        yield from iter(partial(file.readline, LONGEST_LINE + 1), b"")


class NewFile:
    """A file that is not there yet. A context manager that takes away what was not settled."""

    def __init__(self, path: Path) -> None:
        """Raises UsageError where a file has this name, or there is no such folder."""
        if path.exists():
            raise click.UsageError(f"{path} exists already. Name another file, or take it away.")
        if not path.parent.is_dir():
            raise click.UsageError(f"There is no folder {path.parent}.")
        self._path = path
        self._unfinished = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")

    @property
    def name(self) -> str:
        """The file's name, without its folder."""
        return self._path.name

    def write(self, pieces: Iterable[bytes]) -> None:
        """Write all of it under another name, and have it on the disk."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
        with os.fdopen(os.open(self._unfinished, flags, OWNER_ONLY), "wb") as file:
            for piece in pieces:
                file.write(piece)
            file.flush()
            os.fsync(file.fileno())

    def lines(self) -> Iterator[bytes]:
        """What was written, read back."""
        return lines_of(self._unfinished)

    def settle(self) -> None:
        """Give it its name, durably. Raises FileExistsError where another has it by now."""
        self._path.hardlink_to(self._unfinished)
        self._unfinished.unlink()
        folder = os.open(self._path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(FileNotFoundError):
            self._unfinished.unlink()
