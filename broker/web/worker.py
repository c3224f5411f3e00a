"""gunicorn's thread worker and logger, each with the one thing that we need different.

The stock worker keeps a terminated process alive for the whole graceful timeout while any client
merely keeps its connection open, so that every restart behind a load balancer would take that
long.
"""

from __future__ import annotations

from types import FrameType
from typing import Any

from gunicorn.glogging import Logger
from gunicorn.workers.gthread import ThreadWorker


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


class RootLogger(Logger):
    """gunicorn's messages go to the root logger, as JSON lines like all others."""

    def setup(self, cfg: Any) -> None:
        """No handlers and no format of gunicorn's own."""
        self.cfg = cfg
        self.error_log.propagate = True
        self.error_log.handlers = []
