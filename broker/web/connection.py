"""A client's connection as our worker has it: neither reading nor writing ever waits."""

from __future__ import annotations

import select
import socket
import time
from typing import Any

from gunicorn.http import RequestParser
from gunicorn.workers.gthread import TConn

from broker.web.arrival import Arrival

MOST_UNSENT = 1024 * 1024
"""Bytes that are kept for a client who does not take them."""
PATIENCE = 10.0
"""Seconds in which such a client must take one more piece of an answer that is longer than that."""


class ClientSocket(socket.socket):
    """Keeps what the client does not take at once, so that no thread has to wait for it.

    A thread writes an answer; once it is done, the polling thread sends what is left. Only for an
    answer that is too long to be kept, an export that somebody may have, the thread waits.
    """

    def __init__(self, accepted: socket.socket) -> None:
        super().__init__(fileno=accepted.detach())
        self._unsent = bytearray()

    def sendall(self, piece: Any, flags: int = 0, /) -> None:  # noqa: ARG002 - socket's signature
        """Send it, or keep it for later. Raises OSError where the client is gone, or too slow."""
        self._unsent += piece
        deadline = time.monotonic() + PATIENCE
        while not self.flush() and len(self._unsent) > MOST_UNSENT:
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError("the client does not take its answer")
            waiting = select.poll()
            waiting.register(self, select.POLLOUT)
            waiting.poll(left * 1000)

    def flush(self) -> bool:
        """Whether the client has now taken everything. Raises OSError where it is gone."""
        try:
            while self._unsent:
                del self._unsent[: self.send(self._unsent, socket.MSG_DONTWAIT)]
        except BlockingIOError:
            return False
        return True


class Connection(TConn):
    """A client, what it has sent so far, and the parser that reads that instead of the socket."""

    sock: ClientSocket
    parser: RequestParser

    def __init__(self, cfg: Any, accepted: socket.socket, address: Any, server: Any) -> None:
        super().__init__(cfg, ClientSocket(accepted), address, server)
        self.arrival = Arrival()
        self.parser = RequestParser(cfg, self.arrival, address)
        self.ends = False
        # Both keep the stock worker from reading the socket itself.
        self.initialized = self.data_ready = True
