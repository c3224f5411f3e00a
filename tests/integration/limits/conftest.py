"""A broker whose limits are within reach, and others in this process with limits of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache

import pytest

from broker import settings
from broker.cli.demo.stage import UNHURRIED, Stage
from broker.web.metrics import Metrics
from broker.wiring import Services, build
from tests.integration.api.world import ACCOUNT, CALLERS, ENGINEER, OTHER, TICKET, World

PLACES = 50
"""Sessions, and requests for grants, that the stage's broker allows an engineer in an hour."""

Tuned = Callable[..., Services]


@pytest.fixture(scope="session")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Sandbox, and a broker of two web processes."""
    tuned = {
        **UNHURRIED,
        "BROKER_SERVE_WORKER": "false",
        "BROKER_WORKERS": "2",
        # While 200 requests wait for it, the sandbox must still get the issuers' documents.
        "BROKER_THREADS": "200",
        "BROKER_LIMIT_SESSIONS_PER_ENGINEER": f"{PLACES}/3600",
    }
    with Stage(tmp_path_factory.mktemp("limits") / "stage", settings=tuned) as running:
        yield running


@pytest.fixture(scope="session")
def tuned(stage: Stage) -> Iterator[Tuned]:
    """Services of one more broker in this process, on the same store, with these settings."""
    with ExitStack() as stack, pytest.MonkeyPatch.context() as environment:
        for name, value in stage.environment.items():
            if name.startswith("AWS_"):
                environment.setenv(name, value)

        @cache
        def build_tuned(**limits: str) -> Services:
            names = {f"BROKER_{name.upper()}": value for name, value in limits.items()}
            built = build(settings.load({**stage.environment, **UNHURRIED, **names}), Metrics())
            stack.callback(built.close)
            return built

        yield build_tuned


@pytest.fixture(scope="session")
def world(stage: Stage, tuned: Tuned) -> Iterator[World]:
    """The usual callers and two accounts."""
    made = World(stage=stage, services=tuned())
    for subject, (roles, accounts) in CALLERS.items():
        made.add_caller(subject, *roles, accounts=accounts)
    for account_id in (ACCOUNT, OTHER):
        made.customers[account_id] = stage.onboard(made.over_http("console"), account_id)
    made.write_ticket(TICKET, ACCOUNT, OTHER)
    made.inside(ENGINEER)
    yield made
    made.close()


@pytest.fixture(autouse=True)
def unused_windows(world: World) -> None:
    """Each test begins with all places free."""
    for key in world.redis.scan_iter(match="brk:{broker}:window:*"):
        world.redis.delete(key)
