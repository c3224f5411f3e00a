"""One broker for all who sign in from terminals; each terminal has a home of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from broker.cli.demo.stage import Stage, free_port
from tests.e2e.engineers_shell import Terminal
from tests.e2e.organisation import SCOPE, Provider
from tests.e2e.signing_in.office import Office
from tests.e2e.world import METADATA, TICKET


@pytest.fixture(scope="package")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """On loopback and over plain http."""
    folder, port = tmp_path_factory.mktemp("office"), free_port()
    with ExitStack() as stack:
        callback = f"http://127.0.0.1:{port}/sign-in/callback"
        provider = stack.enter_context(Provider(callbacks=[callback]))
        settings = {
            "BROKER_SERVE_WORKER": "false",
            **provider.settings(folder / "roles.toml"),
            "BROKER_OIDC_CLI_SCOPE": f"{SCOPE} offline_access",
        }
        stage = stack.enter_context(Stage(folder / "stage", port=port, settings=settings))
        console = stack.enter_context(stage.client(stage.api_token("console", "console")))
        stage.onboard(console, METADATA)
        ticket = {"account_ids": [METADATA], "status": "open"}
        console.put(f"/v1/tickets/{TICKET}", json=ticket).raise_for_status()
        yield Office(stage, provider)


@pytest.fixture
def terminal(office: Office, tmp_path: Path) -> Terminal:
    """Somebody who has never signed in here."""
    return Terminal(tmp_path / "home", office.stage.url)
