"""Ending much at once: what is in the scope ends, in every account, and nothing else does."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.integration.revocation.world import ENGINEERS, World

ANN, BOB, _ = ENGINEERS


def revoke(world: World, *, caller: str = "console", **scope: Any) -> httpx.Response:
    """Ask for what `scope` names to end."""
    return world.callers[caller].post("/v1/revocations", json={"reason": "a leak", **scope})


def ended(answer: httpx.Response) -> dict[str, Any]:
    """What was ended, which AWS has been told."""
    assert answer.status_code == 202, answer.text
    told: dict[str, Any] = answer.json()
    assert told["state"] == "applied"
    assert told["seconds"] > 0
    return told


def state_of(world: World, opened: dict[str, Any]) -> str | None:
    """How far the session's revocation has come; None where it was not revoked."""
    revocation = world.session(opened["session"]["id"])["revocation"]
    return None if revocation is None else revocation["state"]


def grant_state(world: World, opened: dict[str, Any]) -> str:
    """The state of the grant that the session was opened under."""
    grant_id = opened["session"]["grant_id"]
    answer = world.callers["admin"].get(f"/v1/grants/{grant_id}").raise_for_status()
    return str(answer.json()["state"])


def test_an_engineer_ends_everywhere_and_nobody_else_does(world: World) -> None:
    """Their grants, requests and sessions in all accounts; a colleague's session goes on."""
    first, second = world.account(), world.account()
    asking = world.account(consent="per_grant")
    ticket = world.ticket(first, second, asking)
    of_ann = [
        world.open(first, ticket, engineer=ANN),
        world.open(second, ticket, engineer=ANN, access="case"),
    ]
    of_bob = world.open(first, ticket, engineer=BOB)
    body = {"account_id": asking, "ticket": ticket, "reason": "to look", "duration_seconds": 900}
    request = world.callers[ANN].post("/v1/grants", json=body).raise_for_status().json()
    told = ended(revoke(world, engineer=ANN))
    assert told["scope"] == "engineer"
    assert {each["session"]["id"] for each in of_ann} <= set(told["sessions"])
    assert of_bob["session"]["id"] not in told["sessions"]
    assert {first, second} <= set(told["accounts"])
    assert told["grants"] >= 3
    assert [world.lets_in(each) for each in (*of_ann, of_bob)] == [False, False, True]
    assert [grant_state(world, each) for each in (*of_ann, of_bob)] == [
        *("revoked", "revoked"),
        "approved",
    ]
    shown = world.callers["admin"].get(f"/v1/grants/{request['id']}").json()
    assert shown["state"] == "revoked"
    for each in of_ann:
        world.revocation(each["session"]["id"], "effective")
    assert state_of(world, of_bob) is None


def test_a_ticket_ends_and_may_be_worked_on_again(world: World) -> None:
    """What it led to is over; the ticket is open as before, so a new session can be asked for."""
    account = world.account()
    ticket, other = world.ticket(account), world.ticket(account)
    led_to = [world.open(account, ticket, engineer=each) for each in (ANN, BOB)]
    beside = world.open(account, other)
    told = ended(revoke(world, ticket=ticket))
    assert set(told["sessions"]) == {each["session"]["id"] for each in led_to}
    assert (told["accounts"], told["grants"]) == ([account], 2)
    assert [world.lets_in(each) for each in (*led_to, beside)] == [False, False, True]
    again = world.open(account, ticket)
    assert again["session"]["grant_id"] not in {each["session"]["grant_id"] for each in led_to}
    assert world.lets_in(again)


@pytest.mark.parametrize("how", ["revocations", "the account's own"])
def test_an_account_ends_by_time_and_proves_it(world: World, how: str) -> None:
    """Also what no record knows; both roles are proved, though a twin is younger than the time."""
    account, untouched = world.account(), world.account()
    ticket = world.ticket(account, untouched)
    live = [world.open(account, ticket, access=access) for access in ("read", "read", "case")]
    elsewhere = world.open(untouched, ticket)
    if how == "revocations":
        told = ended(revoke(world, account_id=account))
        assert set(told["sessions"]) == {each["session"]["id"] for each in live}
        assert told["accounts"] == [account]
    else:
        answer = world.callers["console"].post(f"/v1/accounts/{account}/revocation")
        assert answer.status_code == 202, answer.text
    assert [world.lets_in(each) for each in (*live, elsewhere)] == [False, False, False, True]
    for each in live:
        assert grant_state(world, each) == "revoked"
        world.revocation(each["session"]["id"], "effective")
    assert world.lets_in(world.open(account, ticket))


def test_an_account_without_sessions_is_denied_by_time_too(world: World) -> None:
    """A token may have led to credentials that no record has."""
    account = world.account()
    told = ended(revoke(world, account_id=account))
    assert (told["sessions"], told["accounts"]) == ([], [account])
    steps = [each["details"]["step"] for each in world.entries(account, action="account.step")]
    assert steps[-1].startswith("PutInlinePolicy")
    assert steps[-1].endswith("Revocations")


def test_consent_off_ends_sessions_and_proves_it(world: World) -> None:
    """The customer's last word: sessions die, their records say so, and AWS was seen to refuse."""
    account = world.account()
    opened = world.open(account, world.ticket(account))
    world.callers["customer"].patch(
        f"/v1/accounts/{account}", json={"consent": "off"}
    ).raise_for_status()
    assert not world.lets_in(opened)
    assert world.revocation(opened["session"]["id"], "effective")["seconds"] < 20


def test_everything_ends(world: World) -> None:
    """Every account that there is, active or not; registered ones have nothing to end."""
    accounts = [world.account() for _ in range(3)]
    waiting = "599999999999"
    world.callers["console"].post(
        "/v1/accounts", json={"account_id": waiting, "customer": "Has not clicked yet"}
    ).raise_for_status()
    ticket = world.ticket(*accounts)
    live = [world.open(account, ticket, engineer=BOB) for account in accounts]
    told = ended(revoke(world, everything=True))
    assert {each["session"]["id"] for each in live} <= set(told["sessions"])
    assert set(accounts) <= set(told["accounts"])
    assert waiting not in told["accounts"]
    assert not any(world.lets_in(each) for each in live)
    for each in live:
        world.revocation(each["session"]["id"], "effective")
    intended, done = world.entries(action="revocation.asked")[-2:]
    assert (intended["outcome"], done["outcome"]) == ("intended", "done")
    assert done["details"]["scope"] == "everything"
    assert done["details"]["accounts"] == len(told["accounts"])
    assert done["details"]["sessions"] == len(told["sessions"])
    assert done["reason"] == "a leak"


def test_asking_again_ends_what_has_come_since(world: World) -> None:
    """Nothing is ended twice, and nothing is left over."""
    account = world.account()
    ticket = world.ticket(account)
    first = world.open(account, ticket)
    ended(revoke(world, ticket=ticket))
    before = world.session(first["session"]["id"])["revoked_at"]
    second = world.open(account, ticket)
    told = ended(revoke(world, ticket=ticket))
    assert second["session"]["id"] in told["sessions"]
    assert world.session(first["session"]["id"])["revoked_at"] == before
    assert not world.lets_in(second)
    assert ended(revoke(world, ticket="T-nobody-knows"))["sessions"] == []


@pytest.mark.parametrize(
    "body",
    [
        {"reason": "a leak"},
        {"reason": "a leak", "ticket": "T-1", "engineer": ANN},
        {"reason": "a leak", "everything": False},
        {"everything": True},
        {"reason": "", "everything": True},
    ],
)
def test_a_scope_is_one_thing_with_a_reason(world: World, body: dict[str, Any]) -> None:
    """Half a request must not end more, or less, than was meant."""
    answer = world.callers["console"].post("/v1/revocations", json=body)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request")


@pytest.mark.parametrize("caller", [ANN, "customer", "approver"])
def test_not_everybody_may(world: World, caller: str) -> None:
    """A customer ends what is in their own account, and nothing wider."""
    for scope in ({"engineer": BOB}, {"ticket": "T-1"}, {"everything": True}):
        answer = revoke(world, caller=caller, **scope)
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


def test_an_emergency_of_keys_ends_sessions_and_proves_it(world: World) -> None:
    """Whoever holds a stolen key may have opened any of them, so all end, as their records say."""
    account = world.account()
    opened = world.open(account, world.ticket(account))
    world.callers["console"].post(
        f"/v1/accounts/{account}/key-rotation", json={"emergency": True}
    ).raise_for_status()
    assert not world.lets_in(opened)
    world.revocation(opened["session"]["id"], "effective")
