"""Real servers for the store's tests, each a process of its own on loopback or a Unix socket."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from shutil import which

from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

PERSISTENT = ("--appendonly", "yes", "--appendfsync", "always", "--save", "")


def until(condition: Callable[[], bool], *, seconds: float = 60) -> None:
    """Wait for a condition that nothing announces."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the condition never came true"
        time.sleep(0.005)


@dataclass(frozen=True)
class RunningServer:
    """A server and the URL of its store."""

    url: str
    process: subprocess.Popen[bytes]

    def freeze(self) -> None:
        """Let it hold its connections and answer nothing."""
        self.process.send_signal(signal.SIGSTOP)

    def kill(self) -> None:
        self.process.send_signal(signal.SIGCONT)
        self.process.kill()
        self.process.wait()


def redis_server_binary() -> str:
    found = which("redis-server")
    assert found is not None, "Debian's redis-server is missing; `make test` installs it"
    return found


@contextmanager
def on_loopback(folder: Path, *, binary: str, options: tuple[str, ...]) -> Iterator[RunningServer]:
    """A server on a free port of the loopback interface."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    where = ("--bind", "127.0.0.1", "--port", port)
    with _running(folder, f"redis://127.0.0.1:{port}", (binary, *where, *options)) as server:
        yield server


@contextmanager
def on_socket(folder: Path, *, binary: str, options: tuple[str, ...]) -> Iterator[RunningServer]:
    """A server on a Unix socket in `folder`."""
    where = ("--port", "0", "--unixsocket", "server.sock")
    with _running(folder, f"unix://{folder}/server.sock", (binary, *where, *options)) as server:
        yield server


@contextmanager
def _running(folder: Path, url: str, command: tuple[str, ...]) -> Iterator[RunningServer]:
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log)
    server = RunningServer(url=url, process=process)
    try:
        until(lambda: answers(url))
        yield server
    finally:
        server.kill()


def answers(url: str) -> bool:
    with Redis.from_url(url) as redis:
        try:
            return bool(redis.ping())
        except RedisConnectionError:
            return False


def kill_process(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
