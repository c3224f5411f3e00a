"""A limit on the whole of a request, whatever the other side is slow at."""

from __future__ import annotations

import socket
import threading
from collections.abc import Mapping
from contextlib import suppress
from types import TracebackType
from typing import Any, Self


class TimeLimit:
    """Cuts the connection once the time is up: in a handshake, in headers, or in a body.

    httpx bounds each read, so whoever sends a byte now and then could hold on for ever. A context
    manager, whose `watch` is httpcore's `trace` extension.
    """

    def __init__(self, seconds: float) -> None:
        self._timer = threading.Timer(seconds, self._cut)
        self._timer.daemon = True
        self._lock = threading.Lock()
        self._connection: socket.socket | None = None
        self._is_over = False

    def watch(self, event: str, info: Mapping[str, Any]) -> None:
        """Take hold of the connection as soon as there is one.

        TLS takes the socket object for its own, so a duplicate is kept, which is the same
        connection to the operating system.
        """
        if event == "connection.connect_tcp.complete":
            connection = info["return_value"].get_extra_info("socket").dup()
            with self._lock:
                self._connection = connection
                is_over = self._is_over
            if is_over:
                self._cut()

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._timer.cancel()
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _cut(self) -> None:
        with self._lock:
            self._is_over = True
            if self._connection is not None:
                # The other side may have closed it at this very moment.
                with suppress(OSError):
                    self._connection.shutdown(socket.SHUT_RDWR)
