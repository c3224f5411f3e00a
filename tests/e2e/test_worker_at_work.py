"""Nobody asks for a pass over an account here: the worker beside the web workers does it all."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from broker.cli.demo.stage import UNHURRIED, Stage
from tests.contract.store_servers import until

PATIENCE = 120.0
NUMBERS = itertools.count(333344445555)


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A small one of their own; whoever waits may ask as often as the worker is slow."""
    folder: Path = tmp_path_factory.mktemp("at-work")
    with Stage(folder / "stage", settings=UNHURRIED) as running:
        yield running


@pytest.fixture(scope="module")
def console(stage: Stage) -> Iterator[httpx.Client]:
    with stage.client(stage.api_token("ops", "admin")) as client:
        yield client


@pytest.fixture
def path(stage: Stage, console: httpx.Client) -> str:
    """Where an account of the test's own is."""
    account_id = str(next(NUMBERS))
    stage.onboard(console, account_id)
    return f"/v1/accounts/{account_id}"


def read(console: httpx.Client, path: str) -> Any:
    return console.get(path).raise_for_status().json()


def test_a_change_is_carried_out_by_itself(console: httpx.Client, path: str) -> None:
    changed = console.patch(path, json={"profile": "full"})
    asked = changed.raise_for_status().json()["next_check_at"]
    until(lambda: read(console, path)["next_check_at"] > asked, seconds=PATIENCE)
    found = read(console, path)
    assert (found["state"], found["last_error"]) == ("active", None)
    assert read(console, f"{path}/plan")["steps"] == []


def test_a_removal_is_carried_out_by_itself(console: httpx.Client, path: str) -> None:
    console.delete(path).raise_for_status()
    until(lambda: read(console, path)["state"] == "removed", seconds=PATIENCE)
    assert read(console, path)["last_error"] is None
