"""A receiver of webhooks on loopback, which answers as it is told and keeps what it got."""

from __future__ import annotations

import json
import threading
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.serving import serving

PATIENCE = 120.0


@dataclass(frozen=True)
class Received:
    """A request as it arrived; header names in lower case."""

    target: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def event(self) -> dict[str, Any]:
        event: dict[str, Any] = json.loads(self.body)
        return event

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]


@dataclass
class Receiver:
    """What arrived, and how the next requests are answered: 204 once nothing is said."""

    port: int
    received: list[Received] = field(default_factory=list)
    answers: deque[tuple[int, Mapping[str, str]]] = field(default_factory=deque)
    always: int = 204
    silent: bool = False
    """Whether it never answers, until it is told otherwise."""
    _changed: threading.Condition = field(default_factory=threading.Condition)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook?key=canary-in-the-url"

    @property
    def ids(self) -> list[str]:
        return [each.id for each in self.received]

    def answer_next(self, *statuses: int, headers: Mapping[str, str] | None = None) -> None:
        self.answers.extend((status, headers or {}) for status in statuses)

    def take(self, received: Received) -> tuple[int, Mapping[str, str]]:
        with self._changed:
            self.received.append(received)
            self._changed.notify_all()
            if self.silent:
                self._changed.wait_for(lambda: not self.silent, PATIENCE)
            return self.answers.popleft() if self.answers else (self.always, {})

    def speak(self) -> None:
        with self._changed:
            self.silent = False
            self._changed.notify_all()

    def wait_for(self, count: int) -> None:
        """Return when so many requests have arrived."""
        with self._changed:
            arrived = self._changed.wait_for(lambda: len(self.received) >= count, PATIENCE)
        assert arrived, f"{len(self.received)} of {count} requests arrived"


@contextmanager
def receiving() -> Iterator[Receiver]:
    """The receiver while its server runs."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            status, more = receiver.take(Received(self.path, headers, body))
            self.send_response(status)
            for name, value in more.items():
                self.send_header(name, value)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing: tests read our output."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.handle_error = lambda *_: None  # type: ignore[method-assign]
    receiver = Receiver(port=server.server_port)
    with serving(server):
        try:
            yield receiver
        finally:
            receiver.speak()
