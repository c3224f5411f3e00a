"""When to try again after failures: exponential, with full jitter, by default up to an hour."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import timedelta

FIRST = timedelta(seconds=30)
LONGEST = timedelta(hours=1)
_SHORTEST = timedelta(seconds=1)
_DOUBLINGS = 16
"""Far past any `longest`; more would only overflow."""


def retry_after(
    failures: int,
    *,
    first: timedelta = FIRST,
    longest: timedelta = LONGEST,
    draw: Callable[[], float] = random.random,
) -> timedelta:
    """How long to wait after `failures` in a row (1 or more).

    Drawn evenly between a second and a bound that doubles from `first` up to `longest`, so that
    what failed together is not tried together. `draw` returns a number from 0 to 1.
    """
    bound = min(longest, first * 2 ** min(failures - 1, _DOUBLINGS))
    jittered: timedelta = bound * draw()
    return max(_SHORTEST, jittered)
