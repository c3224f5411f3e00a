"""One provider and one broker for all tests of sign-in; each test has a clock of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from broker import settings
from broker.services.ambient import utc_now
from broker.web.metrics import Metrics
from broker.wiring import Services, build
from tests.e2e.organisation import Provider
from tests.integration.api.conftest import log_as_in_production
from tests.integration.sign_in.world import CALLBACK, SITE, World, Wrist, on_clock


@pytest.fixture(scope="session")
def provider() -> Iterator[Provider]:
    """The organisation's OpenID provider."""
    with Provider(callbacks=[CALLBACK]) as running:
        yield running


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the broker keeps everything."""
    return tmp_path_factory.mktemp("sign-in")


@pytest.fixture(scope="session")
def services(provider: Provider, folder: Path) -> Iterator[Services]:
    """A broker that needs no AWS for what is asked of it here."""
    log_as_in_production()
    environment = {
        "BROKER_ISSUER_URL": SITE,
        "BROKER_VENDOR_ACCOUNT_ID": "999900001111",
        "BROKER_STORE_URL": f"embedded:{folder / 'store'}",
        "BROKER_KEY_PROVIDER": "local",
        "BROKER_LOCAL_KEYS_FOLDER": str(folder / "keys"),
        "BROKER_LOCAL_KEYS_PASSPHRASE": "a passphrase of the tests",
        "BROKER_ALLOW_LOCAL_KEYS_FOR_PUBLIC_ISSUER": "true",
        **provider.settings(folder / "roles.toml"),
    }
    built = build(settings.load(environment), Metrics())
    yield built
    built.close()


@pytest.fixture
def world(services: Services, provider: Provider, folder: Path) -> World:
    """The broker, with a clock that only this test turns, asked from an address of its own."""
    clock = Wrist(utc_now)
    return World(
        services=on_clock(services, clock),
        provider=provider,
        clock=clock,
        store_socket=folder / "store" / "store.sock",
    )
