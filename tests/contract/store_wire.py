"""A wire that loses answers: requests reach the server, and the caller never hears of it."""

from __future__ import annotations

import select
import socket
import threading
from pathlib import Path
from typing import Self


class LossyWire:
    """Listens on a Unix socket and passes everything on to a server's Unix socket.

    As often as asked, the connection of a request that contains `marker` is cut after the server
    has answered it and before its caller has heard that.
    """

    def __init__(self, folder: Path, *, server: str, marker: bytes) -> None:
        self._path = str(folder / "wire.sock")
        self._server = server
        self._marker = marker
        self._listener = socket.socket(socket.AF_UNIX)
        self._losses = threading.Semaphore(0)
        self._threads: list[threading.Thread] = []
        self.lost = 0
        self.url = f"unix://{self._path}"

    def lose(self, answers: int) -> None:
        self._losses.release(answers)

    def __enter__(self) -> Self:
        self._listener.bind(self._path)
        self._listener.listen(64)
        self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(5)

    def _start(self, target: object, *args: object) -> None:
        thread = threading.Thread(target=target, args=args, daemon=True)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                caller, _ = self._listener.accept()
            except OSError:
                return
            self._start(self._relay, caller)

    def _relay(self, caller: socket.socket) -> None:
        with caller, socket.socket(socket.AF_UNIX) as server:
            server.connect(self._server)
            loses = False
            while True:
                readable, _, _ = select.select([caller, server], [], [])
                if caller in readable:
                    request = caller.recv(1 << 20)
                    if not request:
                        return
                    loses = self._marker in request and self._losses.acquire(blocking=False)
                    server.sendall(request)
                if server in readable:
                    answer = server.recv(1 << 20)
                    if loses:
                        self.lost += 1
                        return
                    caller.sendall(answer)
