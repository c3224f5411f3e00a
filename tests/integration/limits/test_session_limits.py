"""Sessions and grants are limited by engineer, account, caller and in all: exactly, and told so."""

from __future__ import annotations

from collections import Counter
from typing import Any

import httpx
import pytest

from broker.domain.identity.permissions import Role
from broker.domain.ledger.entries import LedgerEntry
from tests.integration.api.parallel import at_once
from tests.integration.api.world import (
    ACCOUNT,
    ENGINEER,
    OTHER,
    TICKET,
    World,
    assert_problem,
)
from tests.integration.limits.conftest import PLACES, Tuned

ASKED_FOR = ("/v1/sessions", "/v1/grants")
BEA = "bea@vendor.example"


def ask(client: httpx.Client, path: str, account_id: str = ACCOUNT, **members: Any) -> Any:
    body = {"account_id": account_id, "ticket": TICKET, "reason": "to look", **members}
    return client.post(path, json=body)


def rate_limited(world: World, since: int) -> list[LedgerEntry]:
    """What the broker's chain tells of limits, after so many entries."""
    return [entry for entry in world.ledger()[since:] if entry.reason == "rate_limited"]


@pytest.fixture
def entries_before(world: World) -> int:
    return len(world.ledger())


@pytest.mark.parametrize("path", ASKED_FOR)
def test_of_two_hundred_at_once_fifty_get_a_place(
    world: World, entries_before: int, path: str
) -> None:
    """Of two web processes; the others are told when to come again, and the ledger of one."""
    client = world.over_http(ENGINEER)
    answers = at_once([lambda: ask(client, path)] * 200)
    told = Counter((answer.status_code, answer.json().get("code")) for answer in answers)
    # Should one process get nearly all of them, it sends some away before they cost a place.
    sent_away = told.pop((503, "too_busy"), 0)
    assert told.pop((429, "rate_limited")) == 200 - PLACES - sent_away, told
    # Fifty exchanges at once may be too much for a busy sandbox: that costs a place all the same.
    assert told.total() == PLACES
    assert {status for status, _ in told} <= {201, 502, 503}, told
    assert told[201, None] > 0
    for answer in answers:
        if answer.status_code == 429:
            problem = assert_problem(answer, 429, "rate_limited")
            assert 3500 < int(answer.headers["Retry-After"]) <= 3600
            assert problem["retry_after"] == int(answer.headers["Retry-After"])
    (entry,) = rate_limited(world, entries_before)
    what = path.removeprefix("/v1/")
    assert (entry.action, entry.outcome) == ("access.refused", "refused")
    assert (entry.actor, entry.ids["engineer"], entry.ids["account"]) == (
        *(ENGINEER, ENGINEER),
        ACCOUNT,
    )
    assert entry.ids["limit"] == f"{what}_of_engineer"
    assert entry.details["allowed"] == f"{PLACES}/3600"


LIMITS = {
    "engineer": ("limit_sessions_per_engineer", "of_engineer", "one engineer"),
    "account": ("limit_sessions_per_account", "in_account", "one account"),
    "caller": ("limit_sessions_per_caller", "of_caller", "one caller"),
    "overall": ("limit_sessions_overall", "overall", "in all"),
}


@pytest.mark.parametrize("path", ASKED_FOR)
@pytest.mark.parametrize(("setting", "counted", "words"), LIMITS.values(), ids=LIMITS)
def test_each_limit_is_told_by_its_name(
    world: World, tuned: Tuned, path: str, setting: str, counted: str, words: str
) -> None:
    """So that who meets it knows whose limit it is, and an operator which setting."""
    with world.inside_of(tuned(**{setting: "2/600"}), "console") as console:
        for _ in range(2):
            assert ask(console, path, on_behalf_of=ENGINEER).status_code == 201
        problem = assert_problem(ask(console, path, on_behalf_of=ENGINEER), 429, "rate_limited")
    assert problem["limit"] == f"{path.removeprefix('/v1/')}_{counted}"
    assert words in problem["detail"]
    assert "at most 2 in 600 seconds" in problem["detail"]


def test_a_place_is_free_when_it_was_said_to_be(world: World, tuned: Tuned) -> None:
    """Retry-After is the first second at which the same request succeeds."""
    with world.inside_of(tuned(limit_sessions_per_engineer="1/600"), ENGINEER) as client:
        assert ask(client, "/v1/sessions").status_code == 201
        let_pass(world, seconds=100)
        seconds = int(ask(client, "/v1/sessions").headers["Retry-After"])
        assert seconds in (499, 500)
        let_pass(world, seconds=seconds - 2)
        assert ask(client, "/v1/sessions").status_code == 429
        let_pass(world, seconds=2)
        assert ask(client, "/v1/sessions").status_code == 201


def let_pass(world: World, *, seconds: int) -> None:
    """Let time pass for every place that is taken."""
    for key in world.redis.scan_iter(match="brk:{broker}:window:*"):
        if world.redis.type(key) == b"zset":
            for place in world.redis.zrange(key, 0, -1):
                world.redis.zincrby(key, -seconds * 1_000_000, place)


def test_who_is_refused_uses_up_no_others_places(world: World, tuned: Tuned) -> None:
    """An engineer who hammers on a limit of their own does not close the account for others."""
    services = tuned(limit_sessions_per_engineer="2/600", limit_sessions_per_account="5/600")
    with world.inside_of(services, "console") as console:
        answers = [ask(console, "/v1/sessions", on_behalf_of=ENGINEER) for _ in range(20)]
        assert [answer.status_code for answer in answers] == [201] * 2 + [429] * 18
        bea = [ask(console, "/v1/sessions", on_behalf_of=BEA) for _ in range(3)]
        assert [answer.json()["session"]["engineer"] for answer in bea[:2]] == [BEA] * 2
        assert bea[2].json()["limit"] == "sessions_of_engineer"
        eve = [ask(console, "/v1/sessions", on_behalf_of="eve") for _ in range(2)]
        assert [answer.status_code for answer in eve] == [201, 429]
        assert eve[1].json()["limit"] == "sessions_in_account"


@pytest.mark.parametrize("path", ASKED_FOR)
def test_a_stranger_uses_up_only_their_own_places(world: World, tuned: Tuned, path: str) -> None:
    """Else a customer could close another customer's account for its own support."""
    services = tuned(limit_sessions_per_account="3/600", limit_sessions_overall="3/600")
    with world.inside_of(services, "other-customer") as stranger:
        for _ in range(5):
            assert_problem(ask(stranger, path), 403, "forbidden")
    with world.inside_of(services, ENGINEER) as engineer:
        assert ask(engineer, path).status_code == 201


def test_a_stranger_is_limited_too(world: World, tuned: Tuned) -> None:
    """By what one caller may ask for: even refusals come to an end, in the ledger too."""
    services = tuned(limit_sessions_per_caller="3/600")
    before = len(world.ledger())
    with world.inside_of(services, "other-customer") as stranger:
        codes = [ask(stranger, "/v1/sessions").json()["code"] for _ in range(30)]
    assert codes == ["forbidden"] * 3 + ["rate_limited"] * 27
    assert len(world.ledger()) - before == 4


def test_sessions_and_grants_are_counted_apart(world: World, tuned: Tuned) -> None:
    """Who asked for too many grants can still use those that were given."""
    with world.inside_of(tuned(limit_sessions_per_engineer="1/600"), ENGINEER) as client:
        assert ask(client, "/v1/grants").status_code == 201
        assert ask(client, "/v1/grants").status_code == 429
        assert ask(client, "/v1/sessions").status_code == 201
        assert ask(client, "/v1/sessions", OTHER).status_code == 429


def test_two_tokens_of_one_engineer_share_the_engineers_places(world: World, tuned: Tuned) -> None:
    """A second token is no second allowance."""
    world.add_caller("carl@vendor.example", Role.ENGINEER)
    first = world.secrets["carl@vendor.example"]
    world.add_caller("carl@vendor.example", Role.ENGINEER)
    services = tuned(limit_sessions_per_engineer="1/600")
    with world.inside_of(services, "carl@vendor.example") as client:
        assert ask(client, "/v1/sessions").status_code == 201
        client.headers["Authorization"] = f"Bearer {first}"
        assert ask(client, "/v1/sessions").json()["limit"] == "sessions_of_engineer"
