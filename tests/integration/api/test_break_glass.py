"""Breaking the glass: no wait for an approval, in the open, for a short time, and nothing else."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from broker.domain.identity.permissions import Role
from broker.domain.limits import Limit
from broker.wiring import Services
from tests.integration.api.granting import (
    BREAKER,
    EMERGENCY,
    GUS,
    NewEntries,
    add_people,
    ask,
    decide,
)
from tests.integration.api.world import ACCOUNT, ASKING, OTHER, World, answered, assert_problem

SHUT = "676767676767"
"""An account whose customer has switched access off."""

TICKET = "BG-OPEN"


@pytest.fixture(scope="module", autouse=True)
def _people(world: World) -> None:
    add_people(world)
    world.customers[SHUT] = world.stage.onboard(
        world.over_http("console"), SHUT, consent="per_grant"
    )
    world.add_caller("shut-customer", Role.CUSTOMER, accounts=(SHUT,))
    off = world.inside("shut-customer").patch(f"/v1/accounts/{SHUT}", json={"consent": "off"})
    assert off.is_success
    world.write_ticket(TICKET, ACCOUNT, ASKING, SHUT)
    world.write_ticket("BG-CLOSED", ASKING, status="closed")
    world.write_ticket("BG-OTHER", OTHER)
    world.write_ticket("BG-TAKEN", ASKING, assignees=["bea@vendor.example"])


@pytest.fixture
def often(services: Services) -> Services:
    """Services under which the glass may be broken again and again."""
    limiter = services.granting.request.limiter
    limits = replace(limiter.limits, break_glass_per_engineer=Limit.parse("1000/60"))
    request = replace(services.granting.request, limiter=replace(limiter, limits=limits))
    return replace(services, granting=replace(services.granting, request=request))


@pytest.fixture
def breaker(world: World, often: Services) -> Iterator[Any]:
    """A client of somebody who may break the glass."""
    with world.inside_of(often, BREAKER) as client:
        yield client


def emergency(client: Any, ticket: str = TICKET, **members: Any) -> Any:
    """Break the glass."""
    asked = {"break_glass": True, "reason": EMERGENCY, **members}
    return ask(client, ticket, **asked)


def test_it_opens_at_once_and_everybody_can_see(
    world: World, breaker: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """An entry of its own, an error in the log, a count in the metrics, a session."""
    entries = NewEntries(world)
    broken_before = count(world)
    with caplog.at_level(logging.ERROR):
        grant = answered(emergency(breaker, duration_seconds=3600), 201)
    assert (grant["state"], grant["urgency"]) == ("approved", "break_glass")
    assert (grant["approver"], grant["engineer"]) == ("policy:break-glass", BREAKER)
    (entry,) = entries()
    assert (entry.action, entry.outcome) == ("grant.glass_broken", "done")
    assert (entry.actor, entry.reason) == (BREAKER, EMERGENCY)
    assert (entry.ids["grant"], entry.ids["ticket"]) == (grant["id"], TICKET)
    assert (entry.details["urgency"], entry.details["seconds"]) == ("break_glass", 3600)
    (alarm,) = [record for record in caplog.records if "glass_broken" in str(record.msg)]
    assert alarm.levelno == logging.ERROR
    assert str(alarm.msg["grant"]) == grant["id"]  # type: ignore[index]
    assert count(world) == broken_before + 1
    asked = {"account_id": ASKING, "ticket": TICKET, "duration_seconds": 900}
    session = answered(world.session(world.inside(BREAKER), **asked), 201)["session"]
    assert session["grant_id"] == grant["id"]


def count(world: World) -> float:
    """How often the metrics say that the glass was broken."""
    observer: Any = world.services.granting.request.observer
    return float(observer.registry.get_sample_value("broker_glass_broken_total"))


def test_the_customer_ends_it_at_once(world: World, breaker: Any) -> None:
    """Like any other grant: after that no session opens under it."""
    grant = answered(emergency(breaker, access="case"), 201)
    ended = decide(world.over_http("customer"), grant["id"], "revocation", "not with us")
    assert answered(ended, 200)["state"] == "revoked"
    asked = {"account_id": ASKING, "ticket": TICKET, "access": "case", "duration_seconds": 900}
    assert_problem(world.session(world.inside(BREAKER), **asked), 403, "grant_required")


def test_it_does_not_wait_behind_a_request(world: World, breaker: Any) -> None:
    """What waits goes on waiting; the emergency has a grant of its own."""
    world.write_ticket("BG-WAITS", ASKING)
    waiting = answered(ask(breaker, "BG-WAITS"), 201)
    broken = answered(emergency(breaker, "BG-WAITS"), 201)
    assert broken["id"] != waiting["id"]
    assert breaker.get(f"/v1/grants/{waiting['id']}").json()["state"] == "requested"


REFUSED: dict[str, tuple[str, dict[str, Any], str | None]] = {
    "consent off": ("consent_off", {"account_id": SHUT}, SHUT),
    "a closed ticket": ("ticket_closed", {"ticket": "BG-CLOSED"}, ASKING),
    "another's ticket": ("ticket_not_for_account", {"ticket": "BG-OTHER"}, ASKING),
    "not assigned": ("not_assigned", {"ticket": "BG-TAKEN"}, ASKING),
    "no such ticket": ("ticket_not_found", {"ticket": "BG-NONE"}, ASKING),
    "too long": ("duration_too_long", {"duration_seconds": 3601}, ASKING),
    "no reason": ("reason_too_short", {"reason": ""}, ASKING),
    "a short reason": ("reason_too_short", {"reason": EMERGENCY[:29]}, ASKING),
    "blanks": ("reason_too_short", {"reason": " " * 40}, ASKING),
    "for another": ("forbidden", {"on_behalf_of": GUS}, None),
}


@pytest.mark.parametrize("why", REFUSED)
def test_it_spares_nothing_but_the_wait(world: World, breaker: Any, why: str) -> None:
    """Each refusal has its code and its entry, and is no breaking of the glass."""
    code, asked, chain = REFUSED[why]
    entries = NewEntries(world, chain)
    assert_problem(emergency(breaker, **{"ticket": TICKET, **asked}), 403, code)
    (entry,) = entries()
    assert (entry.action, entry.outcome, entry.reason) == ("grant.requested", "refused", code)
    assert entry.details["urgency"] == "break_glass"


@pytest.mark.parametrize("subject", [GUS, "console", "approver", "customer", "admin", "auditor"])
def test_it_takes_the_role(world: World, subject: str) -> None:
    """Nobody else, and nobody for somebody else."""
    entries = NewEntries(world, None)
    answer = emergency(world.inside(subject), on_behalf_of=GUS)
    assert_problem(answer, 403, "forbidden")
    assert entries.told() == [("grant.requested", "refused", "forbidden")]


def test_where_nobody_has_to_wait_there_is_no_glass(world: World, breaker: Any) -> None:
    """Under standing consent it is a grant like any other, and alarms nobody."""
    entries = NewEntries(world, ACCOUNT)
    grant = answered(emergency(breaker, account_id=ACCOUNT, reason="to look"), 201)
    assert (grant["urgency"], grant["approver"]) == ("routine", "policy:standing")
    assert entries.told() == [("grant.decided", "done", "to look")]


def test_it_outlives_no_consent(world: World, often: Services) -> None:
    """Switched off after the glass was broken: no session opens, though the grant runs on."""
    account_id = "686868686868"
    world.customers[account_id] = world.stage.onboard(
        world.over_http("console"), account_id, consent="per_grant"
    )
    world.add_caller("late-customer", Role.CUSTOMER, accounts=(account_id,))
    world.write_ticket("BG-LATE", account_id)
    with world.inside_of(often, BREAKER) as client:
        answered(emergency(client, "BG-LATE", account_id=account_id), 201)
    off = {"consent": "off"}
    assert world.inside("late-customer").patch(f"/v1/accounts/{account_id}", json=off).is_success
    asked = {"account_id": account_id, "ticket": "BG-LATE", "duration_seconds": 900}
    assert_problem(world.session(world.inside(BREAKER), **asked), 403, "consent_off")


def test_it_stays_an_exception(world: World) -> None:
    """Three a day; then the engineer waits like everybody, and the ledger says why."""
    world.add_caller("often@vendor.example", Role.BREAK_GLASS)
    client = world.inside("often@vendor.example")
    for _ in range(3):
        answered(emergency(client), 201)
    entries, broken = NewEntries(world, None), NewEntries(world)
    problem = assert_problem(emergency(client), 429, "rate_limited")
    assert problem["limit"] == "break_glass_of_engineer"
    assert 86_000 < problem["retry_after"] <= 86_400
    assert entries.told() == [("access.refused", "refused", "rate_limited")]
    assert broken() == []
