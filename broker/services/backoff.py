"""When to try again after failures: exponential, with full jitter, up to an hour."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import timedelta

FIRST = timedelta(seconds=30)
LONGEST = timedelta(hours=1)
_DOUBLINGS = 16
"""Far past `LONGEST`; more would only overflow."""


def retry_after(failures: int, *, draw: Callable[[], float] = random.random) -> timedelta:
    """How long to wait after `failures` in a row (1 or more).

    Drawn evenly between a second and a bound that doubles, so that accounts which failed
    together are not tried together. `draw` returns a number from 0 to 1.
    """
    bound = min(LONGEST, FIRST * 2 ** min(failures - 1, _DOUBLINGS))
    jittered: timedelta = bound * draw()
    return max(timedelta(seconds=1), jittered)
