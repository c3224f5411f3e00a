"""While a ticket system is silent nothing is opened, granted or approved; denying goes on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import httpx
import pytest

from broker.errors import DependencyUnavailable
from tests.integration.api.granting import (
    BREAKER,
    EMERGENCY,
    GUS,
    NewEntries,
    add_people,
    ask,
    decide,
    requested,
)
from tests.integration.api.world import ENGINEER, World, answered, assert_problem

UNKNOWN = "ticket_source_unavailable"


@dataclass(frozen=True)
class SilentSource:
    """Tickets of which nobody knows how they are."""

    def get(self, _: object) -> Any:
        raise DependencyUnavailable("It is down.", code=UNKNOWN)


@pytest.fixture(scope="module", autouse=True)
def _people(world: World) -> None:
    add_people(world)


def during_silence(world: World, subject: str) -> httpx.Client:
    """A client of a broker whose ticket system is down."""
    services, silent = world.services, SilentSource()
    granting = replace(
        services.granting,
        request=replace(services.granting.request, tickets=silent),
        decide=replace(services.granting.decide, tickets=silent),
    )
    decisions = replace(services.open_session.decisions, tickets=silent)
    opening = replace(services.open_session, decisions=decisions)
    return world.inside_of(replace(services, granting=granting, open_session=opening), subject)


def test_no_session_opens(world: World) -> None:
    entries = NewEntries(world, account_id=None)
    assert_problem(world.session(during_silence(world, ENGINEER)), 503, UNKNOWN)
    assert entries.told() == [("session.opened", "refused", UNKNOWN)]


@pytest.mark.parametrize(
    ("who", "asked"),
    [(GUS, {}), (BREAKER, {"break_glass": True, "reason": EMERGENCY})],
    ids=["asking", "breaking the glass"],
)
def test_nothing_is_granted(world: World, who: str, asked: dict[str, Any]) -> None:
    """Not in an emergency either: what the emergency is about is the ticket."""
    entries = NewEntries(world, account_id=None)
    assert_problem(ask(during_silence(world, who), "UT-ASK", **asked), 503, UNKNOWN)
    assert entries.told() == [("grant.requested", "refused", UNKNOWN)]


def test_nothing_is_approved(world: World) -> None:
    grant = requested(world, "UT-APPROVAL")
    entries = NewEntries(world)
    answer = decide(during_silence(world, "customer"), grant["id"], "approval")
    assert_problem(answer, 503, UNKNOWN)
    assert entries.told() == [("grant.decided", "refused", UNKNOWN)]
    assert world.inside(GUS).get(f"/v1/grants/{grant['id']}").json() == grant


@pytest.mark.parametrize(("what", "state"), [("denial", "denied"), ("revocation", "revoked")])
def test_what_takes_away_asks_no_ticket_system(world: World, what: str, state: str) -> None:
    grant = requested(world, f"UT-{what}")
    answer = decide(during_silence(world, "customer"), grant["id"], what)
    assert answered(answer, 200)["state"] == state
