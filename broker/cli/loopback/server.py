"""Servers on a port of this machine, for a moment, of commands that a browser or an SDK talks to.

Everybody on the machine can reach such a port, and so can every page in a browser that resolves a
name to 127.0.0.1. So each server here believes nobody who does not know its secret, and answers
only to its own name.
"""

from __future__ import annotations

import hmac
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from broker.cli.loopback.peers import is_ours

HOST = "127.0.0.1"
_MOST_SILENT, _SILENT_SECONDS = 64, 10.0
"""Connections that have not asked yet. Browsers open some in advance, and other users what they
will: the longest silent one goes where a new one finds no place, and each after its time."""


class _Silent:
    """Connections that have not asked yet, in the order in which they came."""

    def __init__(self) -> None:
        self._since: dict[socket.socket, float] = {}
        self._lock = threading.Lock()

    def add(self, connection: socket.socket) -> None:
        """Give it a place, the oldest one's if need be."""
        with self._lock:
            if len(self._since) >= _MOST_SILENT:
                self._end(next(iter(self._since)))
            self._since[connection] = time.monotonic()

    def remove(self, connection: socket.socket) -> bool:
        """It has asked, or is gone; whether it still had its place."""
        with self._lock:
            return self._since.pop(connection, None) is not None

    def end_the_late(self) -> None:
        """Whatever each of them sends bit by bit: there is one time for a whole request."""
        with self._lock:
            late = time.monotonic() - _SILENT_SECONDS
            for connection in [each for each, since in self._since.items() if since <= late]:
                self._end(connection)

    def _end(self, connection: socket.socket) -> None:
        """Whoever reads from it in a thread finds its end, and closes it."""
        del self._since[connection]
        with suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)


class LoopbackServer(ThreadingHTTPServer):
    """A server on whichever port was free, of this machine alone."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = _MOST_SILENT

    def __init__(self, handler: type[LoopbackHandler]) -> None:
        super().__init__((HOST, 0), handler)
        self._silent = _Silent()

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
        """Serve a connection in a thread of its own."""
        self._silent.add(request)
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Serve one connection, and give its place back."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._silent.remove(request)

    def service_actions(self) -> None:
        """What is looked at again and again while requests are waited for."""
        self._silent.end_the_late()

    def may_ask(self, connection: socket.socket) -> bool:
        """Whether it was not ended before; from here on it may last as long as its answer takes."""
        return self._silent.remove(connection)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: the terminal is somebody else's, and a trace could hold what was sent."""


class LoopbackHandler(BaseHTTPRequestHandler):
    """One connection."""

    timeout = _SILENT_SECONDS
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
        # The piece of a request that has come before it was ended may look like a whole one.
        if self.server.may_ask(self.connection):
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
