"""A server on loopback that notes what it is sent, with or without TLS."""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.serving import serving


@dataclass(frozen=True)
class Sent:
    """A request as it arrived."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes


@dataclass
class Listener:
    """What arrived, and how it is answered."""

    port: int = 0
    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    sent: list[Sent] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def listening(tls: ssl.SSLContext | None = None) -> Iterator[Listener]:
    """The listener while its server runs."""
    listener = Listener()

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            listener.sent.append(Sent(self.command, self.path, dict(self.headers), body))
            self.send_response(listener.status)
            for name, value in listener.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(listener.body)))
            self.end_headers()
            self.wfile.write(listener.body)

        do_GET = answer  # noqa: N815 - the names that the standard library calls
        do_PUT = answer  # noqa: N815

        def log_message(self, *_: object) -> None:
            """Nothing: tests read our output."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    server.handle_error = lambda *_: None  # type: ignore[method-assign]
    listener.port = server.server_port
    with serving(server):
        yield listener
