"""People sign in from a terminal: browser, device, renewal, sign-out; and what must not work."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from broker.cli.demo.stage import Stage, free_port
from tests.e2e.organisation import SCOPE, Provider
from tests.e2e.terminal import Terminal

ENGINEER = "jane@vendor.example"


@dataclass(frozen=True)
class Office:
    """A broker that trusts the organisation's provider, which gives refresh tokens."""

    stage: Stage
    provider: Provider


@pytest.fixture(scope="module")
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
        yield Office(stage, provider)


@pytest.fixture
def terminal(office: Office, tmp_path: Path) -> Terminal:
    """Somebody who has never signed in here."""
    return Terminal(tmp_path / "home", office.stage.url)


def test_with_the_browser_of_this_machine(office: Office, terminal: Terminal) -> None:
    """Signed in once, every command knows who it is; a file holds it that nobody else can read."""
    done = terminal.sign_in()
    assert done.code == 0, done.err
    assert f"Signed in as {ENGINEER} (engineer)" in done.out
    assert "no keyring is used here" in done.out
    assert terminal.opened.read_text().startswith(f"{office.provider.issuer}/auth?")
    (kept,) = terminal.sign_ins.glob("*.json")
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert stat.S_IMODE(terminal.sign_ins.stat().st_mode) == 0o700
    me = terminal.told("whoami")
    assert (me["subject"], me["signed_in_by"], me["credential"]) == (
        ENGINEER,
        "identity_token",
        "file",
    )
