"""What a story is made of: chapters, which are told in a world that is there for all of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from broker.cli.demo.steps import Steps
from broker.cli.demo.world import World


@dataclass(frozen=True, slots=True)
class Chapter:
    """Steps that belong together; they are tried while they are told."""

    title: str
    steps: Callable[[World], Steps]
