"""One world for all tests of the pages; what they add they name so that none meets another."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from broker.cli.demo.stage import UNHURRIED, Stage
from broker.domain.identity.permissions import Role
from broker.wiring import Services
from tests.integration.api.conftest import services_beside
from tests.integration.api.world import ACCOUNT, ASKING, OTHER, UNREADY, World
from tests.integration.pages.world import Site, sign_in_settings

CUSTOMERS = {ACCOUNT: "Harbour Bank", OTHER: "Orchard Foods", ASKING: "Mill and Company"}
CONSENT = {ACCOUNT: "standing", OTHER: "standing", ASKING: "per_grant"}


@pytest.fixture(scope="session")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Sandbox and broker; the one under gunicorn is there for AWS to find the keys at."""
    folder: Path = tmp_path_factory.mktemp("pages")
    chosen = {"BROKER_SERVE_WORKER": "false", **UNHURRIED, **sign_in_settings(folder)}
    with Stage(folder / "broker", settings=chosen) as running:
        yield running


@pytest.fixture(scope="session")
def services(stage: Stage) -> Iterator[Services]:
    """The services of a second broker, in this process, on the stage's store."""
    with services_beside(stage) as built:
        yield built


@pytest.fixture(scope="session")
def site(stage: Stage, services: Services) -> Iterator[Site]:
    """The pages, with three accounts that are active and one that lacks its stack."""
    world = World(stage=stage, services=services)
    world.add_caller("console", Role.CONSOLE)
    world.add_caller("auditor", Role.AUDITOR)
    console = world.over_http("console")
    for account_id, customer in CUSTOMERS.items():
        registration = {"customer": customer, "consent": CONSENT[account_id]}
        world.customers[account_id] = stage.onboard(console, account_id, **registration)
    unready = {"account_id": UNREADY, "customer": "Tidewater Ferries"}
    console.post("/v1/accounts", json=unready).raise_for_status()
    made = Site.of(world)
    yield made
    made.close()
    world.close()
