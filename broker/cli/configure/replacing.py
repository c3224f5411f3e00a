"""Replacing a file of the user's: whole or not at all, with its mode, and where a link leads."""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_NEW_MODE = 0o600
"""The AWS CLI makes its files so."""


class Changed(Exception):
    """Somebody else has written the file since it was read."""


@contextmanager
def held(file: Path) -> Iterator[None]:
    """Keep others that run this command from the file, as long as the block lasts.

    It is the folder that is locked: the file itself is replaced, and its lock with it.
    """
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    number = os.open(file.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(number, fcntl.LOCK_EX)
        yield
    finally:
        os.close(number)


def text_of(file: Path) -> str:
    """What is in the file; nothing where there is none. Line ends stay as they are.

    Raises OSError, UnicodeDecodeError.
    """
    try:
        return file.read_bytes().decode("utf-8")
    except FileNotFoundError:
        return ""


def replace(file: Path, *, before: str, after: str) -> None:
    """Write `after` where `before` stood. A link stays one, and what it leads to is replaced.

    Raises Changed, OSError.
    """
    target = Path(os.path.realpath(file))
    with held(target):
        if text_of(target) != before:
            raise Changed
        _write(target, after)


def _write(target: Path, text: str) -> None:
    number, draft = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(number, "wb") as out:
            out.write(text.encode("utf-8"))
            out.flush()
            os.fsync(out.fileno())
            _like(target, out.fileno())
        Path(draft).replace(target)
    except BaseException:
        with suppress(FileNotFoundError):
            Path(draft).unlink()
        raise


def _like(target: Path, number: int) -> None:
    """Give the draft the mode and the owner of what it replaces. Raises OSError."""
    try:
        found = target.stat()
    except FileNotFoundError:
        os.fchmod(number, _NEW_MODE)
        return
    if (found.st_uid, found.st_gid) != (os.getuid(), os.getgid()):
        os.fchown(number, found.st_uid, found.st_gid)
    os.fchmod(number, found.st_mode & 0o7777)
