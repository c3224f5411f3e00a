"""Whoever sends slowly, or never ends a connection, takes no thread away from anybody."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import httpx
import pytest

from broker.cli.demo.stage import UNHURRIED, Stage
from broker.domain.identity.permissions import Role
from broker.web import worker

ACCOUNT, TICKET = "111122223333", "T-1"
EACH = 30
PROMPT = 1.0
FAR_TOO_MANY = 100
TAKEN_AT_ONCE = 8192
HEAD = b"GET /healthz HTTP/1.1\r\nHost: x\r\nSlow: "
BODY = b"PUT /v1/tickets/T-9 HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\n\r\n{"
CHUNKS = b"PUT /v1/tickets/T-9 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1388\r\n{"


@dataclass(frozen=True)
class Served:
    """A broker of one process with eight threads, its issuer, and somebody who may call."""

    stage: Stage
    issuer: str
    bearer: str

    def connect(self) -> socket.socket:
        """A connection of its own."""
        return socket.create_connection(("127.0.0.1", self.stage.port), timeout=20)

    def fetch_keys(self) -> None:
        """As AWS does, and it is not patient."""
        answer = httpx.get(f"{self.issuer}/jwks.json", timeout=PROMPT, trust_env=False)
        assert answer.status_code == 200

    def head(self, request_line: str, *headers: str) -> bytes:
        """The head of a request of the one who may call."""
        lines = (request_line, "Host: x", f"Authorization: Bearer {self.bearer}", *headers, "", "")
        return "\r\n".join(lines).encode()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The issuer's keys, and a ticket to write about."""
    settings = {
        **UNHURRIED,
        "BROKER_WORKERS": "1",
        "BROKER_THREADS": "8",
        "BROKER_SERVE_WORKER": "false",
    }
    folder: Path = tmp_path_factory.mktemp("slow")
    with Stage(folder / "stage", settings=settings) as stage:
        bearer = stage.api_token("console", Role.CONSOLE)
        with stage.client(bearer) as console:
            issuer = stage.onboard(console, ACCOUNT).account["issuer"]
        yield Served(stage, issuer, bearer)


class Drippers:
    """Connections on which a byte comes now and then. A context manager."""

    def __init__(self, served: Served, *beginnings: bytes) -> None:
        self._stack = ExitStack()
        self.sockets = []
        for beginning in beginnings:
            client = self._stack.enter_context(served.connect())
            client.sendall(beginning)
            self.sockets.append(client)
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._drip)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def _drip(self) -> None:
        while not self._stopped.wait(0.3):
            for client in self.sockets:
                with suppress(OSError):  # It has been closed, as it should be.
                    client.send(b"a")

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._thread.join()
        self._stack.close()


def test_slow_clients_take_no_thread_and_are_closed_in_time(served: Served) -> None:
    """Heads, bodies and chunks that drip, against eight threads."""
    began = time.monotonic()
    slow = (HEAD,) * EACH + (BODY,) * (EACH // 2) + (CHUNKS,) * (EACH // 2)
    with Drippers(served, *slow) as drippers:
        for _ in range(20):
            served.fetch_keys()
        with served.stage.client(served.bearer) as caller:
            assert caller.get("/v1/me", timeout=PROMPT).status_code == 200
        assert _slowly(served, b'{"account_ids"', b': ["111122223333"],', b' "status": "open"}')
        assert time.monotonic() - began < worker.READING, "some may be closed already"
        for client in drippers.sockets:
            _assert_closed_unanswered(client)
        # A second for the poller's tick, and one for this machine.
        assert time.monotonic() - began < worker.READING + 2


def _slowly(served: Served, *pieces: bytes) -> bool:
    """Whether a body that comes in pieces within two seconds is answered."""
    length = f"Content-Length: {sum(map(len, pieces))}"
    with served.connect() as client:
        client.sendall(
            served.head(
                f"PUT /v1/tickets/{TICKET} HTTP/1.1",
                "Content-Type: application/json",
                "Connection: close",
                length,
            )
        )
        for piece in pieces:
            threading.Event().wait(0.6)
            client.sendall(piece)
        return _everything(client).startswith(b"HTTP/1.1 20")


def _assert_closed_unanswered(client: socket.socket) -> None:
    with suppress(ConnectionResetError):
        assert client.recv(1) == b""


def _everything(client: socket.socket) -> bytes:
    parts = []
    while part := client.recv(65536):
        parts.append(part)
    return b"".join(parts)


def test_clients_who_never_end_their_connection_hold_nobody_up(served: Served) -> None:
    """We have ended ours; that they leave theirs open is waited for by nobody else."""
    with ExitStack() as stack:
        for number in range(EACH):
            client = stack.enter_context(served.connect())
            bad = b"\x16\x03\x01\r\n\r\n"
            good = b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
            client.sendall(bad if number % 2 else good)
        for _ in range(5):
            served.fetch_keys()


def test_clients_who_do_not_read_hold_no_thread(served: Served) -> None:
    """Far more answers than a connection has room for: they wait, and not a thread for them."""
    ask = b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n" * FAR_TOO_MANY
    with ExitStack() as stack:
        for _ in range(EACH):
            client = stack.enter_context(socket.socket())
            # Before it connects, or the kernel promises more.
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.connect(("127.0.0.1", served.stage.port))
            client.sendall(ask)
        for _ in range(3):
            threading.Event().wait(1)
            served.fetch_keys()


def test_an_answer_that_is_taken_late_is_whole(served: Served) -> None:
    """More than fits on the way: what was kept comes in order, and after it the next answer."""
    ask = served.head("GET /openapi.json HTTP/1.1")
    last = served.head("GET /openapi.json HTTP/1.1", "Connection: close")
    with served.connect() as client:
        client.sendall(ask * FAR_TOO_MANY + last)
        threading.Event().wait(1)
        answers = _everything(client).split(b"HTTP/1.1 200 OK\r\n")[1:]
    assert len(answers) == FAR_TOO_MANY + 1
    bodies = {answer.partition(b"\r\n\r\n")[2] for answer in answers}
    assert len(bodies) == 1


def test_the_oldest_half_request_makes_room_for_the_newest(served: Served) -> None:
    """There are never more than so many; whoever is quick is never the oldest."""
    beginnings = (HEAD,) * (worker.HALF_AT_ONCE + 1)
    with Drippers(served, *beginnings) as drippers:
        began = time.monotonic()
        _assert_closed_unanswered(drippers.sockets[0])
        assert time.monotonic() - began < worker.READING / 2
        served.fetch_keys()


def test_the_longest_idle_client_makes_room_for_a_new_one(served: Served) -> None:
    """A process is never so full of clients who want nothing that AWS is not let in."""
    with ExitStack() as stack:
        clients = [stack.enter_context(served.connect()) for _ in range(worker.CONNECTIONS + 1)]
        served.fetch_keys()
        _assert_closed_unanswered(clients[0])


def test_a_client_who_waits_for_the_go_ahead_gets_it_once(served: Served) -> None:
    """RFC 9110 section 10.1.1: 100, then the body, then the answer; none for a body too large."""
    expecting = ("Expect: 100-continue", "Connection: close", "Content-Type: application/json")
    line = f"PUT /v1/tickets/{TICKET} HTTP/1.1"
    with served.connect() as client:
        client.sendall(served.head(line, *expecting, "Content-Length: 2"))
        assert client.recv(65536) == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.sendall(b"{}")
        assert _everything(client).startswith(b"HTTP/1.1 400 ")
    with served.connect() as client:
        client.sendall(served.head(line, *expecting, "Content-Length: 999999"))
        assert _everything(client).startswith(b"HTTP/1.1 413 ")


def test_requests_that_come_together_are_answered_in_turn(served: Served) -> None:
    """Each with its own body, in chunks or by length, and half of one waits for the rest."""
    chunked = served.head("PATCH /v1/nothing HTTP/1.1", "Transfer-Encoding: chunked")
    sized = served.head("GET /v1/me HTTP/1.1", "Content-Length: 3")
    last = served.head("GET /healthz HTTP/1.1", "Connection: close")
    with served.connect() as client:
        client.sendall(chunked + b"3\r\nabc\r\n0\r\n\r\n" + sized + b"abc" + last[:20])
        client.sendall(last[20:])
        answers = _everything(client)
    statuses = [part[:3] for part in answers.split(b"HTTP/1.1 ")[1:]]
    assert statuses == [b"404", b"200", b"200"]


def test_a_body_that_is_too_large_ends_the_connection(served: Served) -> None:
    """It is answered without being read, and nothing in it is taken for a request."""
    smuggled = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
    head = served.head(f"PUT /v1/tickets/{TICKET} HTTP/1.1", "Content-Length: 9999999")
    with served.connect() as client:
        client.sendall(head + smuggled)
        answer = _everything(client)
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert answer.count(b"HTTP/1.1 ") == 1


def test_what_follows_a_broken_body_is_not_taken_for_a_request(served: Served) -> None:
    """Even where gunicorn's parser stops right before something that looks like one."""
    smuggled = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
    head = served.head("PATCH /v1/nothing HTTP/1.1", "Transfer-Encoding: chunked")
    broken = (head + b"2\r\n{}XX").ljust(TAKEN_AT_ONCE, b"X")
    with served.connect() as client:
        client.sendall(broken + smuggled)
        answer = _everything(client)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert answer.count(b"HTTP/1.1 ") == 1


@pytest.fixture
def broker_again(served: Served) -> Iterator[None]:
    """Whatever becomes of a stopped broker, the next test has one."""
    yield
    served.stage.kill_broker()
    served.stage.start_broker()


@pytest.mark.usefixtures("broker_again")
def test_half_a_request_does_not_keep_a_stopped_broker(served: Served) -> None:
    """Who waits idly is let go, half a request has its time."""
    with served.connect(), served.connect() as half:
        half.sendall(HEAD)
        began = time.monotonic()
        served.stage.stop_broker()
        assert time.monotonic() - began < worker.READING + 3
