"""A server whose every byte comes in time, and whose answer never is complete."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

DRIP = 0.05
"""Seconds between drops."""

HEAD = b"HTTP/1.1 200 OK\r\n"

DROP_BY_DROP = pytest.mark.parametrize(
    ("scheme", "beginning", "drop"),
    [
        ("http", HEAD, b"X-Slow: 1\r\n"),
        ("http", HEAD + b"Content-Length: 1000\r\n\r\n", b"."),
        # The head of a TLS record of 16 KiB, which then never is complete.
        ("https", b"\x16\x03\x03\x40\x00", b"\x00"),
    ],
    ids=["headers", "body", "handshake"],
)
"""Everything that can take its time."""


@contextmanager
def dripping(beginning: bytes, *, drop: bytes) -> Iterator[int]:
    """The port of a server that says `beginning`, then `drop` again and again."""
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with suppress(OSError):
                connection, _ = server.accept()
                with connection:
                    connection.sendall(beginning)
                    while not over.wait(DRIP):
                        connection.sendall(drop)

        thread = threading.Thread(target=serve)
        thread.start()
        yield server.getsockname()[1]
        over.set()
        thread.join()
