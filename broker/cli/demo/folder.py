"""The demo's folder: remade at each run, private, and never one that is not the demo's own."""

from __future__ import annotations

import fcntl
import os
import shlex
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

MARKER = ".made-by-broker-demo"
"""A file that only the demo makes; it is locked while a demo runs on the folder."""


class FolderRefused(Exception):
    """The folder is not the demo's, or another demo is using it."""


@contextmanager
def remade(folder: Path) -> Iterator[Path]:
    """`folder` for this demo alone, empty but for the marker, open to nobody else.

    What an earlier demo left there is deleted. Raises FolderRefused.
    """
    _claim(folder)
    with (folder / MARKER).open("a") as marker:
        try:
            fcntl.flock(marker, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as e:
            raise FolderRefused(
                f"A demo is running on {folder}. Stop it first, or name another --folder."
            ) from e
        _clear(folder)
        yield folder


def write_environment(file: Path, variables: Mapping[str, str]) -> None:
    """A file for `. file` in any shell, readable by its owner only; it holds API tokens."""
    lines = [f"export {name}={shlex.quote(value)}\n" for name, value in variables.items()]
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as opened:
        opened.writelines(lines)


def _claim(folder: Path) -> None:
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise FolderRefused(f"{folder} is not a folder. Move it away, or name another --folder.")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not (folder / MARKER).exists() and any(folder.iterdir()):
        raise FolderRefused(
            f"{folder} holds what no demo made, and a demo would delete it. "
            "Move it away, or name another --folder."
        )
    folder.chmod(0o700)


def _clear(folder: Path) -> None:
    for entry in folder.iterdir():
        if entry.name == MARKER:
            continue
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()
