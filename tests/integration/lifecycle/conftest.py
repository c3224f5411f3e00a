"""Worlds for keys, on one store that each of them finds empty."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from moto import mock_aws

from broker.store import Store, open_store
from keys.local import LocalKeyProvider
from tests.integration.lifecycle.caching_aws import Clock
from tests.integration.lifecycle.in_process_kms import empty_kms, on_kms
from tests.integration.lifecycle.rotation_world import World, empty


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with open_store(f"embedded:{tmp_path_factory.mktemp('store')}") as opened:
        yield opened


@pytest.fixture
def world(store: Store, tmp_path: Path) -> World:
    """With keys in files, whose deletion follows the test's own clock."""
    empty(store)
    clock = Clock()
    provider = LocalKeyProvider(tmp_path / "keys", passphrase=b"correct horse", clock=clock)
    return World(store, lambda _: provider, clock)


@pytest.fixture
def kms_world(store: Store) -> Iterator[Callable[[], World]]:
    def fresh() -> World:
        empty(store)
        empty_kms()
        return World(store, on_kms, Clock())

    with mock_aws():
        yield fresh
