"""A receiver, a clock, a place for a store, and a world with one endpoint that hears of all."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.store_samples import ONE, TWO
from tests.integration.webhooks.receiver import Receiver, receiving
from tests.integration.webhooks.world import Clock, World, a_world, an_endpoint


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as running:
        yield running


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"embedded:{tmp_path / 'store'}"


@pytest.fixture
def world(url: str, clock: Clock, receiver: Receiver) -> Iterator[World]:
    """Two accounts, and an endpoint that has started at their present end."""
    made = a_world(url, clock, an_endpoint(receiver.url))
    with made.store:
        made.register(ONE, TWO)
        made.sweep()
        yield made
