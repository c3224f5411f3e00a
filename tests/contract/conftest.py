"""The servers that every store contract must hold on: the embedded one, and Debian's Redis."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from broker.store import Store, open_store
from tests.contract.store_samples import NOW, a_namespace
from tests.contract.store_servers import PERSISTENT, on_loopback, redis_server_binary


@pytest.fixture(scope="session", params=["embedded", "redis-server"])
def store_url(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    folder = tmp_path_factory.mktemp(request.param)
    with ExitStack() as stack:
        if request.param == "embedded":
            url = f"embedded:{folder}"
            stack.enter_context(open_store(url))
            yield url
        else:
            binary = redis_server_binary()
            server = on_loopback(folder, binary=binary, options=PERSISTENT)
            yield stack.enter_context(server).url


@pytest.fixture
def store_namespace() -> str:
    return a_namespace()


@pytest.fixture
def store(store_url: str, store_namespace: str) -> Iterator[Store]:
    with open_store(store_url, namespace=store_namespace, clock=lambda: NOW) as opened:
        yield opened
