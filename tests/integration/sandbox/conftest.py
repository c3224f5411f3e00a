"""One sandbox for all tests of this folder, and a stage on it for recorded rows."""

from collections.abc import Iterator

import pytest

from broker.sandbox.process import Sandbox
from tests.integration.sandbox.loopback_issuer import LoopbackIssuers
from tests.integration.sandbox.observed.stage import Stage

ACCOUNT_ID = "111122223333"


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    """A sandbox in a process of its own; tests must not leave its clock changed."""
    with Sandbox.start() as running:
        yield running


@pytest.fixture(scope="session")
def issuers() -> Iterator[LoopbackIssuers]:
    """Issuers on a loopback port of the tests' own."""
    with LoopbackIssuers() as server:
        yield server


@pytest.fixture(scope="session")
def session_stage(sandbox: Sandbox, issuers: LoopbackIssuers) -> Stage:
    """Clients are dear to build, so one stage serves all cases."""
    return Stage.on(sandbox, ACCOUNT_ID, issuers)


@pytest.fixture
def stage(session_stage: Stage) -> Iterator[Stage]:
    """An account for one case, left without identity providers: it may have no more than 100."""
    yield session_stage
    session_stage.delete_providers()
