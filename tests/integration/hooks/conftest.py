"""One world for all tests of hooks; each brings its own customers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.integration.hooks.world import HookWorld, set_up


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HookWorld]:
    """Sandbox, broker, topic and relay."""
    with set_up(tmp_path_factory.mktemp("hooks")) as running:
        yield running
