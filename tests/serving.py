"""A server of the tests' own, for as long as a block lasts."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from socketserver import BaseServer

_POLL_SECONDS = 0.02
"""How often it looks whether it is to stop."""


@contextmanager
def serving(server: BaseServer) -> Iterator[None]:
    """Let `server` answer in a thread of its own, and close it in the end."""
    thread = threading.Thread(target=server.serve_forever, args=(_POLL_SECONDS,))
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
