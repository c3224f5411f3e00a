"""Servers on a port of this machine, for a moment, of commands that a browser or an SDK talks to.

Everybody on the machine can reach such a port, and so can every page in a browser that resolves a
name to 127.0.0.1. So each server here believes nobody who does not know its secret, and answers
only to its own name.
"""

from __future__ import annotations

import hmac
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from broker.cli.loopback.peers import is_ours

HOST = "127.0.0.1"
_IDLE_SECONDS = 10.0
"""Browsers open connections in advance, and say nothing on them."""

_MOST_CONNECTIONS = 64


class LoopbackServer(ThreadingHTTPServer):
    """A server on whichever port was free, of this machine alone."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, handler: type[LoopbackHandler]) -> None:
        super().__init__((HOST, 0), handler)
        self._places = threading.BoundedSemaphore(_MOST_CONNECTIONS)

    @property
    def name(self) -> str:
        """What the Host header of a request that is meant for it says."""
        return f"{HOST}:{self.server_port}"

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Answer requests for as long as the block lasts."""
        thread = threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield
        finally:
            self.shutdown()
            thread.join()
            self.server_close()

    def process_request(self, request: Any, client_address: Any) -> None:
        """Past the number of places a connection is closed: others on the machine may crowd in."""
        if self._places.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Serve one connection, and give its place back."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._places.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: the terminal is somebody else's, and a trace could hold what was sent."""


class LoopbackHandler(BaseHTTPRequestHandler):
    """One connection."""

    timeout = _IDLE_SECONDS
    server_version = "broker"
    sys_version = ""
    server: LoopbackServer

    @property
    def names_us(self) -> bool:
        """Whether the request names this server, and not a page elsewhere that leads here."""
        return self.headers.get_all("Host") == [self.server.name]

    @property
    def is_of_this_user(self) -> bool:
        """Whether the connection is not another user's of this machine, where that is known."""
        return is_ours(self.client_address, (HOST, self.server.server_port))

    def do_GET(self) -> None:
        """Answer one request."""
        self.get()

    def get(self) -> None:
        """What each server does."""
        raise NotImplementedError

    def reply(self, status: HTTPStatus, headers: Mapping[str, str], body: bytes = b"") -> None:
        """Answer, and be through with the connection; nobody keeps anything of it."""
        self.send_response(status)
        given = {"Cache-Control": "no-store", **headers, "Content-Length": str(len(body))}
        for name, value in {**given, "Connection": "close"}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
        self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: addresses hold secrets, and the terminal is somebody else's."""


def same(given: str, secret: str) -> bool:
    """Whether they are the same, compared in constant time, whatever bytes were sent."""
    return hmac.compare_digest(given.encode("utf-8", "replace"), secret.encode("utf-8"))
