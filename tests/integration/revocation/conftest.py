"""One world for all tests of revocation; each brings its own accounts and tickets."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from broker.cli.demo.stage import UNHURRIED, Stage
from broker.store import Store, open_store
from tests.integration.revocation.paper import NOON, Paper
from tests.integration.revocation.world import ENGINEERS, FIRST_ACCOUNT, World


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The stage, with its worker at work."""
    with ExitStack() as stack:
        folder = tmp_path_factory.mktemp("stage") / "broker"
        stage = stack.enter_context(Stage(folder, settings=UNHURRIED))
        roles = {"admin": "admin", "console": "console", "approver": "approver"}
        roles |= dict.fromkeys(ENGINEERS, "engineer")
        clients = {
            subject: stack.enter_context(stage.client(stage.api_token(subject, role)))
            for subject, role in roles.items()
        }
        bound = tuple(str(FIRST_ACCOUNT + number) for number in range(100))
        customer = stage.api_token("customer", "customer", accounts=bound)
        clients["customer"] = stack.enter_context(stage.client(customer))
        yield World(stage, clients)


@pytest.fixture
def slow_iam(world: World) -> Iterator[Callable[[float], None]]:
    """Lets changes in IAM take effect after so many seconds from now on, as they do at AWS."""
    yield world.stage.sandbox.delay_policies
    world.stage.sandbox.delay_policies(0)


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A store of its own, for what is played without a broker."""
    url = f"embedded:{tmp_path_factory.mktemp('paper')}"
    with open_store(url, clock=lambda: NOON) as opened:
        yield opened


@pytest.fixture
def paper(store: Store) -> Paper:
    """A new account on it."""
    return Paper(store)
