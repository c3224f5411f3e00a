"""A broker that answers what a test wants, one after the other, and remembers the questions."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.serving import serving


@dataclass
class Answering:
    """Where it listens, and what it was asked: method, path and body."""

    url: str
    asked: list[tuple[str, str, Any]] = field(default_factory=list)

    @property
    def options(self) -> tuple[str, ...]:
        """What a command needs to ask it."""
        return ("--url", self.url, "--token", "brk_tests")

    @property
    def paths(self) -> list[str]:
        """The paths that it was asked for, in order."""
        return [path for _, path, _ in self.asked]


@contextmanager
def answering(answers: Sequence[object], *, status: int = 200) -> Iterator[Answering]:
    """Give these as JSON; where there are no more, the last one again."""
    left = list(answers)

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            sent = json.loads(self.rfile.read(length)) if length else None
            broker.asked.append((self.command, self.path, sent))
            body = json.dumps(left.pop(0) if len(left) > 1 else left[0]).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_GET(self) -> None:
            self._answer()

        def do_POST(self) -> None:
            self._answer()

        def do_PATCH(self) -> None:
            self._answer()

        def do_DELETE(self) -> None:
            self._answer()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    broker = Answering(f"http://127.0.0.1:{server.server_port}")
    with serving(server):
        yield broker
