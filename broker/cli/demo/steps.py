"""What a chapter is made of: steps that say what was expected and what came."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

AT_ONCE = 3
"""Programs that run side by side: they wait as much as they compute."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing that was tried; `detail` is the whole answer, told where the step did not hold."""

    title: str
    expected: str
    got: str
    detail: str = ""

    @property
    def held(self) -> bool:
        """Whether it came as expected."""
        return self.got == self.expected


Steps = Iterator[Step]
Play = Callable[[], Step]
"""A step that has still to be tried."""


def together(*plays: Play) -> Steps:
    """Try steps that do not depend on each other side by side, and tell them in order."""
    with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
        yield from pool.map(lambda play: play(), plays)
