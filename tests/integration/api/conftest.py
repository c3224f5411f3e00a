"""One world for all tests of the API; what they add to it they name so that none meets another."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest

from broker import logs, settings
from broker.cli.demo.stage import UNHURRIED, Stage
from broker.web.metrics import Metrics
from broker.wiring import Services, build
from tests.integration.api.world import (
    ACCOUNT,
    ASKING,
    CALLERS,
    OTHER,
    TICKET,
    UNREADY,
    World,
)


@pytest.fixture(scope="session")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Sandbox and broker; whoever stops or kills one of them starts it again."""
    # Tests compare the whole store before and after a request: nobody else may write to it.
    settings = {"BROKER_SERVE_WORKER": "false", **UNHURRIED}
    with Stage(tmp_path_factory.mktemp("stage") / "broker", settings=settings) as running:
        yield running


@pytest.fixture(scope="session")
def services(stage: Stage) -> Iterator[Services]:
    """The services of a second broker, in this process, on the stage's store."""
    with services_beside(stage) as built:
        yield built


@contextmanager
def services_beside(stage: Stage) -> Iterator[Services]:
    """The services that a broker has which shares the stage's store and AWS."""
    log_as_in_production()
    with pytest.MonkeyPatch.context() as environment:
        for name, value in stage.environment.items():
            if name.startswith("AWS_"):
                environment.setenv(name, value)
        built = build(settings.load(stage.environment), Metrics())
    with closing(built):
        yield built


def log_as_in_production() -> None:
    """Let structlog go through the standard library, where pytest collects it."""
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    logs.configure("info")
    root.handlers, root.level = handlers, level


@pytest.fixture(scope="session")
def world(stage: Stage, services: Services) -> Iterator[World]:
    """All callers, the accounts and the ticket."""
    made = World(stage=stage, services=services)
    for subject, (roles, accounts) in CALLERS.items():
        made.add_caller(subject, *roles, accounts=accounts)
    console = made.over_http("console")
    for account_id, consent in ((ACCOUNT, "standing"), (OTHER, "standing"), (ASKING, "per_grant")):
        made.customers[account_id] = stage.onboard(console, account_id, consent=consent)
    console.post(
        "/v1/accounts", json={"account_id": UNREADY, "customer": "Has not clicked yet"}
    ).raise_for_status()
    made.write_ticket(TICKET, ACCOUNT, OTHER, ASKING, UNREADY)
    yield made
    made.close()
