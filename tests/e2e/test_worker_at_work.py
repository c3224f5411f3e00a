"""Nobody asks for a pass over an account here: the worker beside the web workers does it all."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from broker.cli.demo.stage import Stage
from tests.contract.store_servers import until

ACCOUNT = "333344445555"
PATIENCE = 120.0


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """The console of a small stage of its own, with one account on it."""
    folder: Path = tmp_path_factory.mktemp("at-work")
    with Stage(folder / "stage") as stage, stage.client(stage.api_token("ops", "admin")) as client:
        stage.onboard(client, ACCOUNT)
        yield client


def read(console: httpx.Client, part: str = "") -> Any:
    return console.get(f"/v1/accounts/{ACCOUNT}{part}").raise_for_status().json()


def test_a_change_is_carried_out_by_itself(console: httpx.Client) -> None:
    changed = console.patch(f"/v1/accounts/{ACCOUNT}", json={"profile": "full"})
    asked = changed.raise_for_status().json()["next_check_at"]
    until(lambda: read(console)["next_check_at"] > asked, seconds=PATIENCE)
    assert (read(console)["state"], read(console)["last_error"]) == ("active", None)
    assert read(console, "/plan")["steps"] == []


def test_a_removal_is_carried_out_by_itself(console: httpx.Client) -> None:
    console.delete(f"/v1/accounts/{ACCOUNT}").raise_for_status()
    until(lambda: read(console)["state"] == "removed", seconds=PATIENCE)
    assert read(console)["last_error"] is None
