"""Ends race with openings: whoever ends a grant ends every session under it, and none escapes."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.integration.revocation.world import ENGINEERS, World, awaited

ANN = ENGINEERS[0]
ROUNDS, OPENERS, OPENINGS = 5, 3, 12
"""How often each pair races, against how many engineers' programs, who open so many sessions."""

PAUSE = 0.05
"""Seconds before a program that was refused asks again.

Right after an account's sessions were ended, every session that AWS dates in the same second is
refused: the first one of a round may be long in coming, and more often asked for than opened.
"""

PATIENCE = 120
"""Seconds in which a busy machine opens a first session, whatever it refuses before."""


def end(how: str, world: World, account: str, ticket: str) -> None:
    """End what was opened for a ticket in an account, in one of several ways."""
    match how:
        case "each grant":
            _revoke_grants(world, account, ticket)
        case "close ticket":
            world.write_ticket(ticket, account, status="closed")
        case "engineer":
            _revoke(world, engineer=ANN)
        case "ticket":
            _revoke(world, ticket=ticket)
        case "account":
            _revoke(world, account_id=account)


def _revoke_grants(world: World, account: str, ticket: str) -> None:
    query = {"account_id": account, "ticket": ticket, "state": "approved", "limit": 200}
    listed = world.callers["console"].get("/v1/grants", params=query).raise_for_status()
    for grant in listed.json()["items"]:
        path = f"/v1/grants/{grant['id']}/revocation"
        world.callers["console"].post(path, json={"reason": "enough"}).raise_for_status()


def _revoke(world: World, **scope: str) -> None:
    body = {"reason": "a leak", **scope}
    world.callers["console"].post("/v1/revocations", json=body).raise_for_status()


@dataclass(slots=True)
class Opened:
    """What AWS and the broker gave, and the codes of what they refused."""

    given: list[dict[str, Any]] = field(default_factory=list)
    refused: Counter[str] = field(default_factory=Counter)

    def first(self) -> dict[str, Any]:
        """A session, once there is one; the refusals are told where none comes."""
        return awaited(
            lambda: self.given[0] if self.given else None,
            within=PATIENCE,
            otherwise=lambda: f"no session was opened: {self.refused}",
        )


@contextmanager
def opening(world: World, account: str, ticket: str) -> Iterator[Opened]:
    """Sessions are opened all the time while the block runs."""
    opened = Opened()
    stop = threading.Event()

    def open_on() -> None:
        left = OPENINGS
        while left and not stop.is_set():
            answer = world.ask_for_session(account, ticket, engineer=ANN)
            if answer.status_code == 201:
                opened.given.append(answer.json())
                left -= 1
            else:
                opened.refused[answer.json()["code"]] += 1
                stop.wait(PAUSE)

    with ThreadPoolExecutor(OPENERS) as threads:
        openers: list[Future[None]] = [threads.submit(open_on) for _ in range(OPENERS)]
        try:
            yield opened
        finally:
            stop.set()
        for opener in openers:
            opener.result()


def grant_states(world: World, account: str, ticket: str) -> dict[str, str]:
    """The state of every grant for the ticket."""
    query = {"account_id": account, "ticket": ticket, "limit": 200}
    listed = world.callers["admin"].get("/v1/grants", params=query).raise_for_status()
    return {grant["id"]: grant["state"] for grant in listed.json()["items"]}


def recorded(world: World, account: str, ticket: str) -> list[dict[str, Any]]:
    """Every session of the ticket that a record knows of."""
    query = {"account_id": account, "limit": 200}
    found: list[dict[str, Any]] = []
    cursor: str | None = ""
    while cursor is not None:
        page = {**query, **({"cursor": cursor} if cursor else {})}
        answer = world.callers["admin"].get("/v1/sessions", params=page).raise_for_status().json()
        found += answer["items"]
        cursor = answer["next"]
    return [session for session in found if session["ticket"] == ticket]


@pytest.mark.parametrize(
    "ways",
    [
        ("each grant", "close ticket"),
        ("each grant", "engineer"),
        ("engineer", "ticket"),
        ("account", "each grant"),
        ("close ticket", "account"),
    ],
    ids=" and ".join,
)
def test_two_ends_race_and_no_session_escapes(world: World, ways: tuple[str, str]) -> None:
    """Under a grant that has ended, no session is left that is not revoked, nor let in by AWS."""
    account = world.account()
    for number in range(ROUNDS):
        ticket = world.ticket(account)
        with opening(world, account, ticket) as opened:
            opened.first()
            time.sleep(number * 0.03)
            with ThreadPoolExecutor(len(ways)) as threads:
                for ended in [threads.submit(end, how, world, account, ticket) for how in ways]:
                    ended.result()
        if "close ticket" in ways:
            awaited(lambda ticket=ticket: _all_over(world, account, ticket))
        _assert_none_has_escaped(world, account, ticket, opened.given)


def _assert_none_has_escaped(
    world: World, account: str, ticket: str, given: list[dict[str, Any]]
) -> None:
    states = grant_states(world, account, ticket)
    assert "revoked" in states.values()
    sessions = recorded(world, account, ticket)
    assert {each["session"]["id"] for each in given} <= {each["id"] for each in sessions}
    over = {each["id"] for each in sessions if states[each["grant_id"]] == "revoked"}
    assert over
    revoked = {each["id"] for each in sessions if each["revocation"] is not None}
    assert over <= revoked
    with ThreadPoolExecutor(OPENERS) as threads:
        let_in = list(threads.map(world.lets_in, given))
    assert let_in == [each["session"]["id"] not in revoked for each in given]


def _all_over(world: World, account: str, ticket: str) -> bool | None:
    """A closed ticket leaves no grant, and no session that AWS would still let in."""
    grants = grant_states(world, account, ticket)
    sessions = recorded(world, account, ticket)
    settled = all(
        (session["revocation"] or {}).get("state") in ("applied", "effective")
        for session in sessions
    )
    return True if settled and set(grants.values()) == {"revoked"} else None
