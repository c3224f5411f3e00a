"""How long a session lasts where nobody says so, and what its grant has to do with it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.integration.api.world import ASKING, ENGINEER, World

TICKET = "CASE-LENGTHS"


@pytest.fixture(scope="module")
def granted(world: World) -> None:
    """A grant of half an hour, in an account where each is approved."""
    world.write_ticket(TICKET, ASKING)
    body = {"account_id": ASKING, "ticket": TICKET, "reason": "to look", "duration_seconds": 1800}
    grant = world.inside(ENGINEER).post("/v1/grants", json=body).raise_for_status().json()
    approval = f"/v1/grants/{grant['id']}/approval"
    world.inside("customer").post(approval, json={"reason": "go on"}).raise_for_status()


def lasts(session: dict[str, Any]) -> timedelta:
    issued, expires = (
        datetime.fromisoformat(session[name]) for name in ("issued_at", "expires_at")
    )
    return expires - issued


@pytest.mark.usefixtures("granted")
def test_without_a_length_a_session_ends_with_its_grant(world: World) -> None:
    answer = world.session(world.inside(ENGINEER), account_id=ASKING, ticket=TICKET)
    assert answer.status_code == 201, answer.text
    assert timedelta(minutes=28) < lasts(answer.json()["session"]) <= timedelta(minutes=30)


@pytest.mark.usefixtures("granted")
def test_a_length_that_is_said_is_meant(world: World) -> None:
    asked = {"account_id": ASKING, "ticket": TICKET, "duration_seconds": 3600}
    answer = world.session(world.inside(ENGINEER), **asked)
    assert (answer.status_code, answer.json()["code"]) == (403, "duration_too_long")


def test_without_a_length_and_with_time_enough_it_is_an_hour(world: World) -> None:
    session = world.session(world.inside(ENGINEER)).raise_for_status().json()["session"]
    assert abs(lasts(session) - timedelta(hours=1)) < timedelta(minutes=1)
