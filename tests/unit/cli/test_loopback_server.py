"""Others on the machine can connect to a loopback server: they keep nobody from it."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http import HTTPStatus

import httpx
import pytest

from broker.cli.loopback import server as subject
from broker.cli.loopback.server import HOST, LoopbackHandler, LoopbackServer

PATIENCE = 120.0


class Slow(LoopbackServer):
    """Answers when it is told to."""

    def __init__(self) -> None:
        super().__init__(_Handler)
        self.asked, self.may_answer = threading.Event(), threading.Event()


class _Handler(LoopbackHandler):
    timeout = PATIENCE
    server: Slow

    def get(self) -> None:
        self.server.asked.set()
        self.server.may_answer.wait(PATIENCE)
        self.reply(HTTPStatus.OK, {}, b"answered")


@contextmanager
def silent(server: LoopbackServer, number: int) -> Iterator[list[socket.socket]]:
    """So many connections on which nothing is said."""
    with ExitStack() as stack:
        yield [
            stack.enter_context(socket.create_connection((HOST, server.server_port), PATIENCE))
            for _ in range(number)
        ]


@pytest.fixture
def slow() -> Iterator[Slow]:
    server = Slow()
    with server.listening():
        yield server


def ask(server: LoopbackServer) -> str:
    return httpx.get(f"http://{server.name}/", trust_env=False, timeout=PATIENCE).text


def test_who_asks_finds_a_place_among_those_who_do_not(
    slow: Slow, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many there are, the one that has been silent for longest makes room."""
    monkeypatch.setattr(subject, "_SILENT_SECONDS", PATIENCE)
    slow.may_answer.set()
    with silent(slow, 3 * subject._MOST_SILENT) as connections:
        assert ask(slow) == "answered"
        assert connections[0].recv(1) == b""
        # The last one still has its place, and may ask.
        connections[-1].sendall(b"GET / HTTP/1.0\r\n\r\n")
        assert connections[-1].recv(12) == b"HTTP/1.0 200"


def test_who_has_asked_is_not_pushed_out(slow: Slow, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither by others nor by the time that its answer takes."""
    answers: list[str] = []
    asking = threading.Thread(target=lambda: answers.append(ask(slow)))
    asking.start()
    assert slow.asked.wait(PATIENCE)
    monkeypatch.setattr(subject, "_SILENT_SECONDS", 0.0)
    with silent(slow, 2 * subject._MOST_SILENT) as connections:
        assert [each.recv(1) for each in connections] == [b""] * len(connections)
    slow.may_answer.set()
    asking.join(PATIENCE)
    assert answers == ["answered"]


def test_a_request_that_never_ends_is_ended(slow: Slow, monkeypatch: pytest.MonkeyPatch) -> None:
    """A byte now and then does not make the time any longer."""
    monkeypatch.setattr(subject, "_SILENT_SECONDS", 0.5)
    deadline = time.monotonic() + PATIENCE
    with silent(slow, 1) as (connection,):
        connection.settimeout(0.05)
        connection.sendall(b"GET /")
        while not _is_over(connection):
            assert time.monotonic() < deadline
    assert not slow.asked.is_set()


def _is_over(connection: socket.socket) -> bool:
    """Whether the server has ended it; it gets another byte if not."""
    try:
        connection.sendall(b"a")
        return connection.recv(1) == b""
    except TimeoutError:
        return False
    except OSError:
        return True
