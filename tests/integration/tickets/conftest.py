"""A store of the test's own, and the world on it: tickets of a source, or of the console."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from broker.store import Store, open_store
from tests.integration.tickets.world import Clock, World, a_world


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(tmp_path: Path, clock: Clock) -> Iterator[Store]:
    with open_store(f"embedded:{tmp_path / 'store'}", clock=clock) as opened:
        yield opened


@pytest.fixture
def world(store: Store, clock: Clock) -> World:
    """With tickets from a source."""
    return a_world(store, clock=clock)


@pytest.fixture
def own(store: Store, clock: Clock) -> World:
    """With tickets from the console alone."""
    return a_world(store, clock=clock, rounds=None)
