"""Handing a secret URL to the browser of this machine without showing it to anybody else.

Whatever a program is started with can be read by every user of the machine (`ps`). So the browser
is started with an address on loopback, and is led on from there: once, and, where the system says
whose a connection is, only if it is ours.
"""

from __future__ import annotations

import os
import secrets
import socket
import sys
import threading
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path

from broker.cli.loopback import HOST, LoopbackHandler, LoopbackServer, same

_TABLES = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))
_ESTABLISHED = "01"
_ROOT = 0


class OneTimeRedirect(LoopbackServer):
    """An address on this machine that leads to a URL, once."""

    def __init__(self, url: str) -> None:
        super().__init__(_Handler)
        self.path = f"/{secrets.token_urlsafe(32)}"
        self.followed = threading.Event()
        self._url: str | None = url
        self._taking = threading.Lock()

    @property
    def address(self) -> str:
        """What the browser is started with."""
        return f"http://{self.name}{self.path}"

    def wait(self, *, seconds: float) -> bool:
        """Whether somebody was led on within that time."""
        return self.followed.wait(seconds)

    def take(self) -> str | None:
        """The URL; nobody gets it a second time."""
        with self._taking:
            url, self._url = self._url, None
            return url


class _Handler(LoopbackHandler):
    server: OneTimeRedirect

    def get(self) -> None:
        """Lead on, or not."""
        if not self.names_us or not same(self.path, self.server.path):
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
        to = {} if location is None else {"Location": location}
        self.reply(status, {**to, "Referrer-Policy": "no-referrer"})


def _is_ours(client: tuple[str, int], port: int) -> bool:
    """Whether the other end of a connection is this user's, or root's.

    Only Linux shows what programs are started with and says whose connections are; elsewhere
    browsers are told by other ways than their arguments.
    """
    if not _TABLES[0].exists():
        return True
    here = (HOST, port)
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
