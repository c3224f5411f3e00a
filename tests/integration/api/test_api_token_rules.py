"""API tokens over the API: which are made, what the list tells of them, and how they end."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from broker.domain.identity.permissions import Role
from broker.domain.times import rfc3339
from tests.integration.api.parallel import at_once
from tests.integration.api.world import (
    ACCOUNT,
    IN_A_MONTH,
    World,
    answered,
    assert_problem,
    pages,
)


def new(**members: Any) -> dict[str, Any]:
    return {"subject": "svc", "roles": ["auditor"], "expires_at": IN_A_MONTH, **members}


def in_days(days: float) -> str:
    return rfc3339(datetime.now(UTC) + timedelta(days=days))


@pytest.mark.parametrize(
    ("members", "field"),
    [
        ({"expires_at": in_days(-1)}, "expires_at"),
        ({"expires_at": in_days(367)}, "expires_at"),
        ({"expires_at": "9999-12-31T23:59:59Z"}, "expires_at"),
        ({"roles": ["customer"]}, "account_ids"),
        ({"roles": ["auditor", "customer"], "account_ids": []}, "account_ids"),
    ],
)
def test_what_is_not_made(world: World, members: dict[str, Any], field: str) -> None:
    """400 with the field, and nothing in the ledger or the store."""
    before = world.state()
    answer = world.inside("admin").post("/v1/tokens", json=new(**members))
    problem = assert_problem(answer, 400, "invalid_request")
    assert [each["field"] for each in problem["errors"]] == [field]
    assert world.state() == before


def test_every_problem_is_told_at_once(world: World) -> None:
    answer = world.inside("admin").post(
        "/v1/tokens", json=new(roles=["customer"], expires_at=in_days(400))
    )
    problem = assert_problem(answer, 400, "invalid_request")
    assert [each["field"] for each in problem["errors"]] == ["expires_at", "account_ids"]


def test_what_is_made_stands_in_the_ledger(world: World) -> None:
    """Whose, what for, where and until when: all that it is good for, and no secret."""
    body = new(subject="acme", roles=["customer"], account_ids=[ACCOUNT], expires_at=in_days(365))
    made = answered(world.inside("admin").post("/v1/tokens", json=body), 201)
    entry = world.ledger()[-1]
    assert (entry.action, entry.ids["api_token"]) == ("api_token.created", made["id"])
    assert entry.details == {
        "source_address": "127.0.0.1",
        "by_api_token": world.token_id("admin"),
        "subject": "acme",
        "roles": ["customer"],
        "accounts": [ACCOUNT],
        "expires_at": made["expires_at"],
    }


def test_every_role_fits_into_one_token(world: World) -> None:
    body = new(roles=[role.value for role in Role], account_ids=[ACCOUNT])
    made = answered(world.inside("admin").post("/v1/tokens", json=body), 201)
    assert set(made["roles"]) == {role.value for role in Role}


def test_the_list_tells_the_last_use(world: World) -> None:
    """To the minute, of tokens that were accepted; a refused request is no use."""
    token_id = world.add_caller("used", Role.AUDITOR)

    def last_used_at() -> str | None:
        world.services.acceptances.flush()
        items = pages(world.inside("admin"), "/v1/tokens", limit=200)
        (found,) = [item["last_used_at"] for item in items if item["id"] == token_id]
        return None if found is None else str(found)

    client = world.inside("used")
    wrong = {"Authorization": f"Bearer {world.secrets['used'][:-64]}{'0' * 64}"}
    assert client.get("/v1/me", headers=wrong).status_code == 401
    assert last_used_at() is None
    before = datetime.now(UTC) - timedelta(seconds=1)
    assert client.get("/v1/me").is_success
    first = last_used_at()
    assert first is not None
    assert before <= datetime.fromisoformat(first) <= datetime.now(UTC)
    assert client.get("/v1/me").is_success
    assert last_used_at() == first
    world.inside("admin").delete(f"/v1/tokens/{token_id}").raise_for_status()
    assert client.get("/v1/me").status_code == 401
    assert last_used_at() == first


def test_a_use_is_no_entry(world: World) -> None:
    """The ledger is for decisions; whoever only reads leaves none."""
    before = world.ledger()
    assert world.inside("auditor").get("/v1/me").is_success
    world.services.acceptances.flush()
    assert world.ledger() == before


def test_revoking_at_the_same_moment_succeeds_for_all(world: World) -> None:
    """One entry, and nobody is told that it did not work: it is revoked, as they wanted."""
    token_id = world.add_caller("leaving", Role.AUDITOR)
    before = len(world.ledger())
    admins = [world.over_http("admin"), world.inside("admin")]
    answers = at_once(
        [lambda n=n: admins[n % 2].delete(f"/v1/tokens/{token_id}") for n in range(16)]
    )
    assert {answer.status_code for answer in answers} == {204}
    entries = [entry.action for entry in world.ledger()[before:]]
    assert entries == ["api_token.revoked"]
