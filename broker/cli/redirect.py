"""Handing a secret URL to the browser of this machine without showing it to anybody else.

Whatever a program is started with can be read by every user of the machine (`ps`). So the browser
is started with an address on loopback, and is led on from there: once, and, where the system says
whose a connection is, only if it is ours.
"""

from __future__ import annotations

import hmac
import os
import secrets
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

_HOST = "127.0.0.1"
_IDLE_SECONDS = 10
"""Browsers open connections in advance, and say nothing on them."""

_TABLES = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))
_ESTABLISHED = "01"
_ROOT = 0


class OneTimeRedirect:
    """An address on this machine that leads to a URL, once."""

    def __init__(self, url: str) -> None:
        self._server = _Server((_HOST, 0), _Handler)
        self._server.url = url

    @property
    def address(self) -> str:
        """What the browser is started with."""
        return f"http://{_HOST}:{self._server.server_port}{self._server.path}"

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Answer requests for as long as the block lasts."""
        thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._server.shutdown()
            thread.join()
            self._server.server_close()

    def wait(self, *, seconds: float) -> bool:
        """Whether somebody was led on within that time."""
        return self._server.followed.wait(seconds)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    url: str | None = None

    def __init__(self, *args: object) -> None:
        super().__init__(*args)  # type: ignore[arg-type]
        self.path = f"/{secrets.token_urlsafe(32)}"
        self.followed = threading.Event()
        self._taking = threading.Lock()

    def take(self) -> str | None:
        """The URL; nobody gets it a second time."""
        with self._taking:
            url, self.url = self.url, None
            return url

    def handle_error(self, request: object, client_address: object) -> None:
        """A connection that broke is nothing that anybody at the terminal must read."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = _IDLE_SECONDS
    server_version = "broker"
    sys_version = ""

    def do_GET(self) -> None:
        """Lead on, or not."""
        # Another Host is a page elsewhere that has its name lead here.
        is_here = self.headers.get("Host") == f"{_HOST}:{self.server.server_port}"
        if not is_here or not hmac.compare_digest(
            self.path.encode(errors="replace"), self.server.path.encode()
        ):
            self._answer(HTTPStatus.NOT_FOUND)
            return
        if not _is_ours(self.client_address, self.server.server_port):
            self._answer(HTTPStatus.FORBIDDEN)
            return
        url = self.server.take()
        if url is None:
            self._answer(HTTPStatus.GONE)
            return
        try:
            self._answer(HTTPStatus.SEE_OTHER, location=url)
        finally:
            self.server.followed.set()

    def _answer(self, status: HTTPStatus, *, location: str | None = None) -> None:
        self.send_response(status)
        if location is not None:
            self.send_header("Location", location)
        self.send_header("Referrer-Policy", "no-referrer")
        self.send_header("Cache-Control", "no-store")
        self.send_header("Content-Length", "0")
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        """The address that is asked for is a secret: it is written nowhere."""


def _is_ours(client: tuple[str, int], port: int) -> bool:
    """Whether the other end of a connection is this user's, or root's.

    Only Linux shows what programs are started with and says whose connections are; elsewhere
    browsers are told by other ways than their arguments.
    """
    if not _TABLES[0].exists():
        return True
    here = (_HOST, port)
    owners = {owner for table in _TABLES for owner in _owners(table, local=client, remote=here)}
    return bool(owners) and owners <= {os.getuid(), _ROOT}


def _owners(table: Path, *, local: tuple[str, int], remote: tuple[str, int]) -> Iterator[int]:
    """Whose the connections between the two are (proc(5), /proc/net/tcp)."""
    try:
        lines = table.read_text().splitlines()[1:]
    except OSError:
        return
    ends = {(_written(local, prefix), _written(remote, prefix)) for prefix in ("", _MAPPED)}
    for line in lines:
        _, here, there, state, _, _, _, uid, *_ = line.split()
        if (here, there) in ends and state == _ESTABLISHED:
            yield int(uid)


def _written(end: tuple[str, int], prefix: str) -> str:
    """An end as the kernel writes it: numbers of the machine's own byte order, in hexadecimal."""
    host, port = end
    return f"{prefix}{_word(socket.inet_aton(host))}:{port:04X}"


def _word(four: bytes) -> str:
    return f"{int.from_bytes(four, sys.byteorder):08X}"


_MAPPED = 2 * _word(bytes(4)) + _word(b"\x00\x00\xff\xff")
"""What stands before an IPv4 address among IPv6 ones (RFC 4291, section 2.5.5.2)."""
