"""Work that may hang, with a limit: whoever waits goes on in time, whatever becomes of it."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable
from concurrent.futures import Future
from datetime import timedelta
from typing import TypeVar

T = TypeVar("T")


def within(limit: timedelta, work: Callable[[], T]) -> T:
    """What `work` returns or raises; TimeoutError once `limit` has passed.

    Python cannot stop a thread, so work that is late goes on by itself, and holds up neither its
    caller nor the end of the process. What it still does must be harmless then.
    """
    outcome: Future[T] = Future()
    context = contextvars.copy_context()

    def do() -> None:
        try:
            outcome.set_result(context.run(work))
        except BaseException as e:  # it is raised again where it is waited for
            outcome.set_exception(e)

    threading.Thread(target=do, name="limited", daemon=True).start()
    return outcome.result(timeout=limit.total_seconds())
