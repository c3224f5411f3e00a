"""A folder that is its owner's alone (0700), with files that are (0600)."""

from __future__ import annotations

import fcntl
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from broker.cli.failures import CommandMisused

_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_LARGEST = 256 * 1024


class PrivateFolder:
    """Files by name in one folder. Everything raises CommandMisused where others could get in.

    Files are opened relative to the folder that was looked at, and links are not followed: nobody
    can put another one in its place in between.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self, name: str) -> bytes | None:
        """What is in the file, or None where there is none."""
        try:
            with self._opened(create=False) as folder, self._file(folder, name) as file:
                return os.read(file, _LARGEST)
        except FileNotFoundError:
            return None

    def holds(self, name: str) -> bool:
        """Whether there is something of that name."""
        return os.path.lexists(self.path / name)

    def write(self, name: str, content: bytes) -> None:
        """Put `content` there as a whole or not at all, also where the machine stops meanwhile."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        with self._opened(create=True) as folder:
            new = f".{name}.{secrets.token_hex(8)}"
            with os.fdopen(os.open(new, flags, 0o600, dir_fd=folder), "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            try:
                os.replace(new, name, src_dir_fd=folder, dst_dir_fd=folder)
            except OSError as e:
                os.unlink(new, dir_fd=folder)
                raise CommandMisused(f"{self.path / name} cannot be written: {e.strerror}.") from e

    def remove(self, name: str) -> None:
        """Delete the file, if there is one."""
        with suppress(FileNotFoundError), self._opened(create=False) as folder:
            os.unlink(name, dir_fd=folder)

    @contextmanager
    def locked(self, name: str) -> Iterator[None]:
        """Wait until nobody else is in a block under this name; a process that dies leaves it."""
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        with self._opened(create=True) as folder:
            descriptor = os.open(f"{name}.lock", flags, 0o600, dir_fd=folder)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    @contextmanager
    def _opened(self, *, create: bool) -> Iterator[int]:
        """The folder's descriptor. Raises FileNotFoundError where there is none."""
        try:
            if create:
                self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except FileNotFoundError:
            raise
        except OSError as e:
            raise CommandMisused(f"{self.path} cannot be used: {e.strerror}.") from e
        try:
            found = os.fstat(descriptor)
            self._require_mine(self.path, found)
            if found.st_mode & _OTHERS:
                os.fchmod(descriptor, 0o700)
            yield descriptor
        finally:
            os.close(descriptor)

    @contextmanager
    def _file(self, folder: int, name: str) -> Iterator[int]:
        path = self.path / name
        try:
            # Not blocking: a named pipe would keep us waiting for its other end.
            flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
            descriptor = os.open(name, flags, dir_fd=folder)
        except FileNotFoundError:
            raise
        except OSError as e:
            raise CommandMisused(f"{path} is no file that is read here: {e.strerror}.") from e
        try:
            found = os.fstat(descriptor)
            self._require_mine(path, found)
            if not stat.S_ISREG(found.st_mode):
                raise CommandMisused(f"{path} is no file. Move it away.")
            if found.st_mode & _OTHERS:
                raise CommandMisused(
                    f"Other users may read or write {path}, which holds a sign-in. Run "
                    "`broker logout` and sign in again."
                )
            yield descriptor
        finally:
            os.close(descriptor)

    def _require_mine(self, path: Path, found: os.stat_result) -> None:
        if found.st_uid != os.geteuid():
            raise CommandMisused(f"{path} belongs to another user. Move it away, or ask them to.")
