"""`broker tokens` as operators meet it: made at the machine, listed and revoked over the API."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.programs import Ran, run
from tests.e2e.world import Person, World

README = (Path(__file__).parents[2] / "README.md").read_text()
PATIENCE = 60
"""Seconds until a last use must show; it is written a moment after the request."""


@pytest.fixture(scope="module")
def admin(world: World) -> Person:
    """Who may look after API tokens."""
    return world.callers.person("ops", "admin")


def tokens(world: World, *words: str, caller: Person) -> Ran:
    """The real command, asked over the API."""
    environment = {
        "BROKER_URL": world.stage.url,
        "BROKER_TOKEN": caller.api_token,
        "COLUMNS": "200",
    }
    return run("broker", "tokens", *words, home=world.home, environment=environment)


def create(world: World, *words: str) -> Ran:
    """The real command, at the machine that holds the store."""
    settings = {
        name: value
        for name, value in world.stage.environment.items()
        if name.startswith(("BROKER_", "AWS_"))
    }
    return run("broker", "tokens", "create", *words, home=world.home, environment=settings)


def listed(world: World, admin: Person, token_id: str) -> Any:
    """The API token as the list tells of it."""
    ran = tokens(world, "list", "--json", caller=admin)
    assert (ran.status, ran.err) == (0, ""), ran.err
    (found,) = [item for item in json.loads(ran.out)["items"] if item["id"] == token_id]
    return found


def test_the_life_of_a_token(world: World, admin: Person) -> None:
    """Made, used, seen in use, revoked, and refused from the next request on."""
    made = create(world, "--subject", "exporter", "--role", "auditor", "--days", "7", "--json")
    assert (made.status, made.err) == (0, "")
    token = json.loads(made.out)
    assert listed(world, admin, token["id"])["last_used_at"] is None
    with world.stage.client(token["secret"]) as bearer:
        assert bearer.get("/v1/me").is_success
        deadline = time.monotonic() + PATIENCE
        while listed(world, admin, token["id"])["last_used_at"] is None:
            assert time.monotonic() < deadline, "no last use was noted"
        revoked = tokens(world, "revoke", token["id"], caller=admin)
        assert (revoked.status, revoked.out, revoked.err) == (0, f"{token['id']} revoked.\n", "")
        answer = bearer.get("/v1/me")
        assert (answer.status_code, answer.json()["reason"]) == (401, "revoked")
    assert listed(world, admin, token["id"])["revoked_at"] is not None


def test_the_list_for_people(world: World, admin: Person) -> None:
    """Whose, what for, where, since when and until when; a secret is nowhere."""
    made = json.loads(
        create(
            world, "--subject", "acme", "--role", "customer", "--account", "1" * 12, "--json"
        ).out
    )
    ran = tokens(world, "list", caller=admin)
    assert (ran.status, ran.err) == (0, "")
    (line,) = [line for line in ran.out.splitlines() if made["id"] in line]
    for word in ("acme", "customer", "1" * 12, "never"):
        assert word in line
    assert made["secret"].split("_")[2] not in ran.out


def test_who_may_not_is_refused(world: World) -> None:
    """With the exit code of a refusal."""
    for words in (("list",), ("revoke", "0" * 12)):
        ran = tokens(world, *words, caller=world.engineer)
        assert ran.status == 3
        assert "[forbidden]" in ran.err


def test_a_token_pasted_for_its_id_is_not_repeated(world: World, admin: Person) -> None:
    """Terminals are recorded, and mistakes are made."""
    ran = tokens(world, "revoke", admin.api_token, caller=admin)
    assert ran.status == 2
    assert admin.api_token not in ran.err + ran.out
    assert "twelve hexadecimal digits" in ran.err


def test_an_unknown_id_is_told(world: World, admin: Person) -> None:
    ran = tokens(world, "revoke", "f" * 12, caller=admin)
    assert (ran.status, "[not_found]" in ran.err) == (3, True)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--subject", "acme", "--role", "customer"), "--account"),
        (("--subject", "ops", "--role", "admin", "--days", "9999"), "366 days"),
    ],
)
def test_what_is_not_made(world: World, words: tuple[str, ...], told: str) -> None:
    """A customer without accounts, and what would outlive the operator's limit."""
    ran = create(world, *words)
    assert ran.status != 0
    assert told in ran.err
    assert ran.out == ""


def test_readme_tells_scanners_what_to_look_for(world: World) -> None:
    """The expression there finds a real token in a text, and nothing but tokens."""
    (expression,) = re.findall(r"`(\\bbrk_[^`]+)`", README)
    secret = json.loads(create(world, "--subject", "leak", "--role", "auditor", "--json").out)[
        "secret"
    ]
    assert re.findall(expression, f'BROKER_TOKEN="{secret}"\n') == [secret]
    assert re.search(expression, "brk_0123_and_nothing_else") is None
