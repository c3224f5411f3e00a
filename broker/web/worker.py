"""gunicorn's thread worker and logger, each with the little that we need different.

The stock worker keeps a terminated process alive for the whole graceful timeout while any client
merely keeps its connection open, so that every restart behind a load balancer would take that
long.
"""

from __future__ import annotations

from contextlib import suppress
from types import FrameType
from typing import Any

from gunicorn import util
from gunicorn.glogging import Logger
from gunicorn.workers.gthread import ThreadWorker

from broker.web import malformed


class PromptWorker(ThreadWorker):
    """Requests under way are finished; connections without one are closed at once."""

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """SIGTERM: end gracefully."""
        super().handle_exit(sig, frame)
        self.method_queue.defer(self._close_idle)

    def _close_idle(self) -> None:
        for connection in (*self.keepalived_conns, *self.pending_conns):
            connection.timeout = 0
        self.murder_keepalived()
        self.murder_pending()

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
