"""One world for all end-to-end tests; it is set once and wholly taken down again."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from broker.cli.demo.stage import Customer
from tests.e2e.world import World, set_up


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The stage with two customers; tests leave both as they found them."""
    with set_up(tmp_path_factory.mktemp("world")) as standing:
        yield standing


@pytest.fixture
def customer(world: World) -> Customer:
    """A customer of the test's own, under the metadata profile, to break things at."""
    return world.onboard()
