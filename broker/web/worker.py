"""gunicorn's thread worker and logger, each with the little that we need different.

The stock worker gives a thread to every request that has begun to arrive, and keeps it there until
the answer is taken, so that a few clients who send or read slowly hold all of them, and AWS does
not get the keys. Here one thread polls all connections, reads what comes and sends what is left;
the others only ever see whole requests, and wait for nobody. The stock worker also keeps a
terminated process alive for the whole graceful timeout while any client merely keeps its connection
open, so that every restart behind a load balancer would take that long.
"""

from __future__ import annotations

import errno
import selectors
import socket
import time
from collections.abc import Mapping
from concurrent.futures import Future
from contextlib import suppress
from enum import Enum, auto
from functools import partial
from types import FrameType
from typing import Any

from gunicorn import util
from gunicorn.glogging import Logger
from gunicorn.workers.gthread import ThreadWorker

from broker.web import malformed
from broker.web.connection import Connection

CONNECTIONS = 500
"""Connections of a process, below the 1024 files that it usually may open; one more, and whoever
waits longest is dropped."""
READING = 10
"""Seconds from the first byte of a request to its last."""
SENDING = 10
"""Seconds in which a client takes what it asked for."""
LEAVING = 2
"""Seconds in which a client may end a connection that we have ended (RFC 9112 section 9.6)."""
HALF_AT_ONCE = 200
"""Requests that may be half there in a process, and answers that may be half taken; one more, and
the oldest of them is dropped."""
_AT_ONCE = 65536
_TICK = 1.0
_NO_FILES_LEFT = (errno.EMFILE, errno.ENFILE)


class Wait(Enum):
    """What a connection waits for while no thread works on it."""

    REQUEST = auto()
    REST = auto()
    TAKEN = auto()
    END = auto()


class PromptWorker(ThreadWorker):
    """Requests get a thread when they are whole; connections without one end at once on SIGTERM.

    Everything but `handle…` runs in the polling thread.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._patience: Mapping[Wait, float] = {
            Wait.REQUEST: self.cfg.keepalive,
            Wait.REST: READING,
            Wait.TAKEN: SENDING,
            Wait.END: LEAVING,
        }
        # Each with its deadline on the monotonic clock, and so the earliest first.
        self._waiting: Mapping[Wait, dict[Connection, float]] = {wait: {} for wait in Wait}

    def accept(self, listener: socket.socket) -> None:
        """Take a new client in, and for it let go of somebody who only waits."""
        try:
            client, address = listener.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return
        except OSError as e:
            if e.errno not in _NO_FILES_LEFT:
                raise
            self._make_room()
            return
        self.nr_conns += 1
        connection = Connection(self.cfg, client, address, listener.getsockname())
        if self.nr_conns >= self.worker_connections:
            self._make_room()
        self._wait(connection, Wait.REQUEST)
        self._read(connection)

    def _make_room(self) -> None:
        for wait in (Wait.END, Wait.TAKEN, Wait.REST, Wait.REQUEST):
            for longest in self._waiting[wait]:
                self._drop(longest)
                return

    def _wait(self, connection: Connection, wait: Wait) -> None:
        waiting = self._waiting[wait]
        if wait in (Wait.REST, Wait.TAKEN) and len(waiting) >= HALF_AT_ONCE:
            self._drop(next(iter(waiting)))
        event = selectors.EVENT_WRITE if wait is Wait.TAKEN else selectors.EVENT_READ
        connection.sock.settimeout(0)
        self.poller.register(connection.sock, event, partial(self._on_ready, connection))
        waiting[connection] = time.monotonic() + self._patience[wait]

    def _stop_waiting(self, connection: Connection) -> None:
        for waiting in self._waiting.values():
            waiting.pop(connection, None)
        self.poller.unregister(connection.sock)

    def _drop(self, connection: Connection) -> None:
        self._stop_waiting(connection)
        self._close(connection)

    def _close(self, connection: Connection) -> None:
        self.nr_conns -= 1
        connection.close()

    def _on_ready(self, connection: Connection, _: socket.socket) -> None:
        # An earlier event of the same round may have been the end of this connection.
        if connection.sock.fileno() < 0:
            return
        if connection in self._waiting[Wait.TAKEN]:
            self._stop_waiting(connection)
            self._go_on(connection)
        else:
            self._read(connection)

    def _read(self, connection: Connection) -> None:
        try:
            piece = connection.sock.recv(_AT_ONCE)
        except BlockingIOError:
            return
        except OSError:
            piece = b""
        if not piece:
            self._drop(connection)
        elif connection not in self._waiting[Wait.END]:
            self._receive(connection, piece)

    def _receive(self, connection: Connection, piece: bytes) -> None:
        if connection.arrival.receive(piece):
            self._stop_waiting(connection)
            self.enqueue_req(connection)
            return
        if connection.arrival.take_go_ahead():
            with suppress(OSError):
                connection.sock.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        if connection in self._waiting[Wait.REQUEST]:
            self._stop_waiting(connection)
            self._wait(connection, Wait.REST)

    def finish_request(self, conn: Any, fs: Future[bool]) -> None:
        """A thread is done with this connection, which then waits again."""
        in_step = conn.arrival.begin(conn.parser.unreader.take_buffered())
        failed = fs.cancelled() or fs.exception() is not None
        conn.ends = failed or not fs.result() or not in_step
        self._go_on(conn)

    def _go_on(self, connection: Connection) -> None:
        """Send the answer to its end, and only then look for another request."""
        try:
            if not connection.sock.flush():
                self._wait(connection, Wait.TAKEN)
                return
            if connection.ends or not self.alive:
                # The stock worker waits here for the client's end, and polls nobody meanwhile.
                connection.sock.shutdown(socket.SHUT_WR)
                self._wait(connection, Wait.END)
                return
        except OSError:
            self._close(connection)
            return
        # It may have come together with the last one.
        if connection.arrival.receive(b""):
            self.enqueue_req(connection)
        else:
            self._wait(connection, Wait.REST if connection.arrival.has_begun else Wait.REQUEST)

    def murder_keepalived(self) -> None:
        """Drop everybody whose time is over."""
        now = time.monotonic()
        for waiting in self._waiting.values():
            for connection in [late for late, deadline in waiting.items() if deadline <= now]:
                self._drop(connection)

    def wait_for_and_dispatch_events(self, timeout: float | None) -> None:
        """Never wait past a deadline for long, not even on the way out."""
        super().wait_for_and_dispatch_events(_TICK if timeout is None else min(timeout, _TICK))

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """SIGTERM: end gracefully."""
        super().handle_exit(sig, frame)
        self.method_queue.defer(self._close_idle)

    def _close_idle(self) -> None:
        for connection in tuple(self._waiting[Wait.REQUEST]):
            self._drop(connection)

    def handle_request(self, req: Any, conn: Any) -> bool:
        """Answer in one of the threads."""
        # Whoever waited for it was told while the request arrived.
        req._expected_100_continue = False  # noqa: SLF001 - gunicorn has no other way to say so
        return super().handle_request(req, conn)

    def handle_error(self, req: Any, client: Any, addr: Any, exc: BaseException) -> None:  # noqa: ARG002
        """Answer what never reached the application; gunicorn would repeat parts of it."""
        # Nobody is told about a caller who has gone already.
        with suppress(OSError):
            util.write_nonblock(client, malformed.answer(exc))


class RootLogger(Logger):
    """gunicorn's messages go to the root logger, as JSON lines like all others."""

    def setup(self, cfg: Any) -> None:
        """No handlers and no format of gunicorn's own."""
        self.cfg = cfg
        self.error_log.propagate = True
        self.error_log.handlers = []
