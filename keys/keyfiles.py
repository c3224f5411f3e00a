"""A folder of private key files, one file a key, whose name tells the key's state.

`<kid>.pem` signs, `<kid>.disabled` does not, `<kid>.delete-after-<UTC time>` is destroyed then.
So every change of state is one atomic rename, and any number of processes may share the folder.
"""

import errno
import os
import re
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from keys.errors import (
    InvalidKey,
    KeyNotUsable,
    KeyUnavailable,
    ProviderRefused,
    UnsafeKeyFile,
)
from keys.types import ProviderKeyState

_KID = re.compile(r"[A-Za-z0-9_-]{43}")
_ENABLED = ".pem"
_DISABLED = ".disabled"
_DELETE_AFTER = ".delete-after-"
_TIME_FORMAT = "%Y%m%dT%H%M%SZ"
_NAME = re.compile(rf"({_KID.pattern})\.(pem|disabled|delete-after-\d{{8}}T\d{{6}}Z)")
_SCHEDULED = re.compile(rf"{_KID.pattern}\{_DELETE_AFTER}(\d{{8}}T\d{{6}}Z)")


@dataclass(frozen=True, slots=True)
class KeyFile:
    """One key in the folder; `first_line` is what stands above its PEM."""

    kid: str
    state: ProviderKeyState
    created_at: datetime
    first_line: bytes


class KeyFolder:
    """The folder and its files: written atomically, and read only where nobody else can.

    A crash while a key is written leaves at most a file named `.new-…`, which nothing reads.
    Every method raises InvalidKey for a kid that is no thumbprint, so that no name made of one
    leads out of the folder; KeyUnavailable or ProviderRefused when the file system fails.
    """

    def __init__(self, path: Path) -> None:
        """Create the folder (0700) where it is missing.

        Raises UnsafeKeyFile when it is a link, belongs to somebody else or is open to others.
        """
        self._path = path
        with _translated_errors("use the key folder"):
            if not os.path.lexists(path):
                path.mkdir(mode=0o700, parents=True, exist_ok=True)
            _refuse_unsafe(path.lstat(), is_expected_kind=stat.S_ISDIR)

    def enabled_file(self, kid: str) -> str:
        """The path of a key that may sign; there is a file exactly as long as it may."""
        return self._file(kid, _ENABLED)

    def add(self, kid: str, content: bytes) -> None:
        """Write an enabled key (0600). Once this returns, the key survives a loss of power."""
        target = self.enabled_file(kid)
        with _translated_errors("write a key file"):
            descriptor, temporary = tempfile.mkstemp(prefix=".new-", dir=self._path)
            try:
                with open(descriptor, "wb") as file:
                    file.write(content)
                    file.flush()
                    os.fsync(descriptor)
                os.replace(temporary, target)
            except BaseException:
                os.unlink(temporary)
                raise
            self._make_durable()

    def read(self, kid: str) -> bytes:
        """The content of an enabled key.

        Raises KeyNotUsable where there is none; UnsafeKeyFile when the file is a link, belongs
        to somebody else or is open to others.
        """
        with _opened(self.enabled_file(kid)) as file:
            return file.read()

    def files(self) -> Iterator[KeyFile]:
        """Every key in the folder, in no order. Raises like `read`."""
        with _translated_errors("list the key files"):
            names = os.listdir(self._path)
        for name in names:
            found = _NAME.fullmatch(name)
            # A key that moves on or is destroyed meanwhile is left out.
            with suppress(KeyNotUsable):
                if found is not None:
                    yield self._described(name, kid=found[1], state=_state_of(found[2]))

    def _described(self, name: str, *, kid: str, state: ProviderKeyState) -> KeyFile:
        with _opened(os.fspath(self._path / name)) as file:
            # A rename leaves the time of the last change of content as it was.
            written = datetime.fromtimestamp(os.fstat(file.fileno()).st_mtime, UTC)
            return KeyFile(kid, state, written, file.readline())

    def state(self, kid: str) -> ProviderKeyState:
        """What the names in the folder say of the key.

        Files move in one direction only, and they are looked for in that order: a key that moves
        meanwhile is still found.
        """
        if os.path.lexists(self._file(kid, _ENABLED)):
            return ProviderKeyState.ENABLED
        if os.path.lexists(self._file(kid, _DISABLED)):
            return ProviderKeyState.DISABLED
        if any(self._path.glob(f"{kid}{_DELETE_AFTER}*")):
            return ProviderKeyState.PENDING_DELETION
        return ProviderKeyState.MISSING

    def disable(self, kid: str) -> None:
        """Take an enabled key out of use; in any other state nothing changes."""
        self._move(kid, sources=(_ENABLED,), target=_DISABLED)

    def schedule_deletion(self, kid: str, *, at: datetime) -> None:
        """Take a key out of use for good; one that is already scheduled keeps its time."""
        time = at.astimezone(UTC).strftime(_TIME_FORMAT)
        self._move(kid, sources=(_ENABLED, _DISABLED), target=f"{_DELETE_AFTER}{time}")

    def destroy_due(self, now: datetime) -> None:
        """Delete the files of keys whose time has come."""
        with _translated_errors("delete a key file"):
            for path in self._path.glob(f"*{_DELETE_AFTER}*"):
                scheduled = _SCHEDULED.fullmatch(path.name)
                if scheduled and _parse_time(scheduled[1]) <= now:
                    path.unlink(missing_ok=True)

    def _file(self, kid: str, suffix: str) -> str:
        if not _KID.fullmatch(kid):
            raise InvalidKey("a local key is named by its thumbprint and nothing else")
        return os.fspath(self._path / f"{kid}{suffix}")

    def _move(self, kid: str, *, sources: tuple[str, ...], target: str) -> None:
        with _translated_errors("rename a key file"):
            for source in sources:
                with suppress(FileNotFoundError):
                    os.rename(self._file(kid, source), self._file(kid, target))
            self._make_durable()

    def _make_durable(self) -> None:
        """Flush the folder itself, without which a new name may be lost with the power."""
        descriptor = os.open(self._path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _state_of(suffix: str) -> ProviderKeyState:
    match suffix:
        case "pem":
            return ProviderKeyState.ENABLED
        case "disabled":
            return ProviderKeyState.DISABLED
        case _:
            return ProviderKeyState.PENDING_DELETION


@contextmanager
def _opened(path: str) -> Iterator[BinaryIO]:
    """A key file to read, once it has shown to be ours alone. Raises KeyNotUsable for none."""
    with _translated_errors("read a key file"):
        # Without O_NONBLOCK a named pipe in the file's place would make the open wait.
        flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
        try:
            descriptor = os.open(path, flags)
        except FileNotFoundError as e:
            raise KeyNotUsable("the key is disabled or gone") from e
        try:
            _refuse_unsafe(os.fstat(descriptor), is_expected_kind=stat.S_ISREG)
            with open(descriptor, "rb", closefd=False) as file:
                yield file
        finally:
            os.close(descriptor)


def _parse_time(text: str) -> datetime:
    return datetime.strptime(text, _TIME_FORMAT).replace(tzinfo=UTC)


def _refuse_unsafe(found: os.stat_result, *, is_expected_kind: Callable[[int], bool]) -> None:
    if not is_expected_kind(found.st_mode):
        raise UnsafeKeyFile("a key file or folder is not what its name promises")
    if found.st_uid != os.geteuid():
        raise UnsafeKeyFile("a key file or folder belongs to another user")
    if found.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise UnsafeKeyFile("a key file or folder is open to its group or to others")


@contextmanager
def _translated_errors(action: str) -> Iterator[None]:
    try:
        yield
    except PermissionError as e:
        raise ProviderRefused(f"cannot {action}: permission denied") from e
    except OSError as e:
        if e.errno == errno.ELOOP:
            raise UnsafeKeyFile(f"cannot {action}: it is a symbolic link") from e
        raise KeyUnavailable(f"cannot {action}: {os.strerror(e.errno or 0)}") from e
