"""Grants over HTTP: asked for, decided on by somebody else, used, ended, and found again."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from broker.domain.identity.permissions import Role
from broker.domain.times import rfc3339
from tests.integration.api.granting import (
    GUS,
    NewEntries,
    add_people,
    ask,
    decide,
    requested,
)
from tests.integration.api.world import (
    ACCOUNT,
    ASKING,
    NOWHERE,
    OTHER,
    UNREADY,
    World,
    answered,
    assert_problem,
    pages,
)


@pytest.fixture(scope="module", autouse=True)
def _people(world: World) -> None:
    add_people(world)
    world.write_ticket("GR-OPEN", ACCOUNT, ASKING, UNREADY)
    world.write_ticket("GR-CLOSED", ASKING, status="closed")
    world.write_ticket("GR-OTHER", OTHER)
    world.write_ticket("GR-TAKEN", ASKING, assignees=["bea@vendor.example"])


def test_a_request_waits_for_the_customer(world: World) -> None:
    """Everything that was asked for is shown, and the ledger tells it whole."""
    world.write_ticket("GR-1", ASKING)
    entries = NewEntries(world)
    asked_at = datetime.now(UTC)
    answer = ask(world.over_http(GUS), "GR-1", access="case", duration_seconds=1800)
    grant = answered(answer, 201)
    (entry,) = entries()
    created_at = datetime.fromisoformat(grant["created_at"])
    assert abs(created_at - asked_at) < timedelta(seconds=10)
    assert grant == {
        "id": grant["id"],
        "account_id": ASKING,
        "ticket": "GR-1",
        "engineer": GUS,
        "access": "case",
        "reason": "to look",
        "urgency": "routine",
        "state": "requested",
        "duration_seconds": 1800,
        "requested_by": None,
        "approver": None,
        "created_at": grant["created_at"],
        "decided_at": None,
        "decision_reason": None,
        "expires_at": rfc3339(created_at + timedelta(hours=24)),
    }
    assert (entry.action, entry.outcome, entry.reason) == ("grant.requested", "done", "to look")
    assert entry.actor == GUS
    assert (entry.ids["grant"], entry.ids["ticket"]) == (grant["id"], "GR-1")
    assert entry.ids["request"] == answer.headers["X-Request-Id"]
    assert entry.details == {
        "source_address": "127.0.0.1",
        "by_api_token": world.token_id(GUS),
        "engineer": GUS,
        "access": "case",
        "urgency": "routine",
        "seconds": 1800,
    }


def test_asking_again_gives_the_request_that_waits(world: World) -> None:
    """The same for both: nothing is announced twice, and nothing that was asked for changes."""
    first = requested(world, "GR-AGAIN")
    entries = NewEntries(world)
    again = ask(world.inside(GUS), "GR-AGAIN", reason="in other words", duration_seconds=7200)
    assert answered(again, 201) == first
    on_behalf = ask(world.inside("console"), "GR-AGAIN", on_behalf_of=GUS)
    assert answered(on_behalf, 201) == first
    assert entries() == []
    other_access = answered(ask(world.inside(GUS), "GR-AGAIN", access="case"), 201)
    assert other_access["id"] != first["id"]
    assert decide(world.inside("customer"), first["id"], "denial").is_success
    after = answered(ask(world.inside(GUS), "GR-AGAIN"), 201)
    assert after["id"] not in (first["id"], other_access["id"])


def test_standing_consent_approves_at_once(world: World) -> None:
    """By policy, each time anew: a grant is extended by another one."""
    entries = NewEntries(world, ACCOUNT)
    body = {"account_id": ACCOUNT, "ticket": "GR-OPEN", "reason": "to look"}
    grants = [answered(world.inside(GUS).post("/v1/grants", json=body), 201) for _ in range(2)]
    assert grants[0]["id"] != grants[1]["id"]
    for grant in grants:
        assert (grant["state"], grant["approver"]) == ("approved", "policy:standing")
        assert grant["decided_at"] == grant["created_at"]
        ends = datetime.fromisoformat(grant["decided_at"]) + timedelta(hours=1)
        assert grant["expires_at"] == rfc3339(ends)
    assert entries.told() == [("grant.decided", "done", "to look")] * 2


REFUSED: dict[str, tuple[int, str, dict[str, Any], str | None]] = {
    "no such ticket": (403, "ticket_not_found", {"ticket": "GR-NONE"}, ASKING),
    "a closed ticket": (403, "ticket_closed", {"ticket": "GR-CLOSED"}, ASKING),
    "another's ticket": (403, "ticket_not_for_account", {"ticket": "GR-OTHER"}, ASKING),
    "not assigned": (403, "not_assigned", {"ticket": "GR-TAKEN"}, ASKING),
    "too long": (403, "duration_too_long", {"duration_seconds": 86401}, ASKING),
    "longer than standing": (
        403,
        "duration_too_long",
        {"account_id": ACCOUNT, "duration_seconds": 43201},
        ACCOUNT,
    ),
    "not ready": (403, "account_not_active", {"account_id": UNREADY}, UNREADY),
    "no such account": (404, "not_found", {"account_id": NOWHERE}, None),
    "for somebody else": (403, "forbidden", {"on_behalf_of": "bea@vendor.example"}, None),
    "no emergency of theirs": (403, "forbidden", {"break_glass": True}, None),
}


@pytest.mark.parametrize("why", REFUSED)
def test_a_refusal_has_its_code_and_its_entry(world: World, why: str) -> None:
    """In the account's chain, unless there is none or the caller has no business there."""
    status, code, asked, chain = REFUSED[why]
    entries = NewEntries(world, chain)
    body = {"account_id": ASKING, "ticket": "GR-OPEN", **asked}
    problem = assert_problem(world.over_http(GUS).post("/v1/grants", json=body), status, code)
    (entry,) = entries()
    assert (entry.action, entry.outcome, entry.reason) == ("grant.requested", "refused", code)
    assert entry.actor == GUS
    assert entry.ids["request"] == problem["request_id"]
    assert (entry.ids["account"], entry.ids["ticket"]) == (body["account_id"], body["ticket"])


def test_a_console_asks_for_engineers_only(world: World) -> None:
    """It names one, and is named itself in the grant."""
    answer = ask(world.inside("console"), "GR-OPEN")
    assert assert_problem(answer, 400, "invalid_request")["errors"][0]["field"] == "on_behalf_of"
    asked = ask(world.inside("console"), "GR-OPEN", on_behalf_of="hal@vendor.example")
    grant = answered(asked, 201)
    assert (grant["engineer"], grant["requested_by"]) == ("hal@vendor.example", "console")


def test_a_session_waits_with_its_request(world: World) -> None:
    """`grant_required` names the request; once it is approved the session opens under it."""
    grant = requested(world, "GR-USED", duration_seconds=7200)
    asked = {"account_id": ASKING, "ticket": "GR-USED"}
    refused = world.session(world.over_http(GUS), **asked)
    problem = assert_problem(refused, 403, "grant_required")
    assert (problem["grant_id"], problem["state"]) == (grant["id"], "requested")
    approved = answered(decide(world.over_http("customer"), grant["id"], "approval", "go on"), 200)
    assert (approved["state"], approved["approver"]) == ("approved", "customer")
    assert approved["decision_reason"] == "go on"
    ends = datetime.fromisoformat(approved["decided_at"]) + timedelta(hours=2)
    assert approved["expires_at"] == rfc3339(ends)
    session = answered(world.session(world.over_http(GUS), **asked), 201)["session"]
    assert session["grant_id"] == grant["id"]
    other = world.session(world.over_http(GUS), **asked, access="case")
    assert "grant_id" not in assert_problem(other, 403, "grant_required")


def test_a_request_that_waits_is_named_before_what_is_over(world: World) -> None:
    """After a denial, and after a revocation."""
    first = requested(world, "GR-NEXT")
    assert decide(world.inside("customer"), first["id"], "denial").is_success
    second = answered(ask(world.inside(GUS), "GR-NEXT"), 201)
    later = answered(decide(world.inside("customer"), second["id"], "approval"), 200)
    assert decide(world.inside(GUS), later["id"], "revocation").is_success
    third = answered(ask(world.inside(GUS), "GR-NEXT"), 201)
    refused = world.session(world.inside(GUS), account_id=ASKING, ticket="GR-NEXT")
    assert assert_problem(refused, 403, "grant_required")["grant_id"] == third["id"]


def test_the_end_of_one_grant_touches_no_other(world: World) -> None:
    """Two overlap; the sessions of the second live on when the first is revoked."""
    customer = world.inside("customer")
    sessions = []
    grants = []
    for _ in range(2):
        grant = answered(
            ask(world.inside(GUS), "GR-OPEN", access="case", duration_seconds=7200), 201
        )
        decide(customer, grant["id"], "approval").raise_for_status()
        asked = {"account_id": ASKING, "ticket": "GR-OPEN", "access": "case"}
        opened = world.session(world.inside(GUS), **asked, grant_id=grant["id"])
        sessions.append(answered(opened, 201)["session"]["id"])
        grants.append(grant["id"])
    assert answered(decide(customer, grants[0], "revocation", "done"), 200)["state"] == "revoked"
    shown = [customer.get(f"/v1/sessions/{session_id}").json() for session_id in sessions]
    assert shown[0]["revoked_at"] is not None
    assert shown[1]["revoked_at"] is None
    assert customer.get(f"/v1/grants/{grants[1]}").json()["state"] == "approved"


def test_a_request_lapses_by_itself(world: World) -> None:
    """After a day nobody can decide on it, and asking again makes a new one."""
    grant = requested(world, "GR-LAPSED")
    granting = world.services.granting
    tomorrow = lambda: datetime.now(UTC) + timedelta(hours=24, seconds=1)  # noqa: E731
    later = replace(
        world.services,
        clock=tomorrow,
        granting=replace(
            granting,
            decide=replace(granting.decide, clock=tomorrow),
            request=replace(granting.request, clock=tomorrow),
        ),
    )
    with world.inside_of(later, "customer") as customer:
        assert customer.get(f"/v1/grants/{grant['id']}").json()["state"] == "expired"
        problem = assert_problem(
            decide(customer, grant["id"], "approval"), 409, "grant_already_decided"
        )
        assert (problem["state"], problem["grant_id"]) == ("expired", grant["id"])
    with world.inside_of(later, GUS) as gus:
        assert answered(ask(gus, "GR-LAPSED"), 201)["id"] != grant["id"]


def test_lists_hold_what_may_be_seen(world: World) -> None:
    """An engineer sees their own, a customer those of their accounts, and a filter narrows."""
    world.add_caller("ivy@vendor.example", Role.ENGINEER)
    ids = [requested(world, f"GR-LIST-{n}")["id"] for n in range(3)]
    decide(world.inside("customer"), ids[0], "denial").raise_for_status()

    def listed(subject: str, **query: str) -> list[str]:
        found = pages(world.inside(subject), "/v1/grants", limit=2, **query)
        return [grant["id"] for grant in found]

    assert [grant_id for grant_id in listed(GUS) if grant_id in ids] == ids[::-1]
    assert listed("ivy@vendor.example") == []
    assert listed("ivy@vendor.example", engineer=GUS) == []
    assert listed(GUS, engineer="ivy@vendor.example") == []
    assert set(listed(GUS, engineer=GUS)) >= set(ids)
    assert set(ids) <= set(listed("customer"))
    assert listed("customer", account_id=OTHER) == []
    assert set(ids).isdisjoint(listed("other-customer"))
    assert listed("auditor", ticket="GR-LIST-1") == [ids[1]]
    assert listed("auditor", ticket="GR-LIST-0", state="denied") == [ids[0]]
    assert listed("auditor", ticket="GR-LIST-0", state="requested") == []
    assert set(listed("auditor", engineer=GUS, state="requested")) >= set(ids[1:])
    assert ids[0] not in listed("auditor", account_id=ASKING, state="requested")


def test_what_may_not_be_seen_is_not_there(world: World) -> None:
    """404 as for a grant that nobody ever asked for, and an attempt to change it is recorded."""
    grant = requested(world, "GR-HIDDEN")
    stranger = world.inside("other-customer")
    for grant_id in (grant["id"], "gr-" + "0" * 20):
        assert_problem(stranger.get(f"/v1/grants/{grant_id}"), 404, "not_found")
        for what in ("approval", "denial", "revocation"):
            mine, theirs = NewEntries(world, None), NewEntries(world)
            assert_problem(decide(stranger, grant_id, what), 404, "not_found")
            (entry,) = mine()
            assert (entry.action, entry.reason) == ("access.refused", "not_found")
            assert (entry.ids["grant"], entry.actor) == (grant_id, "other-customer")
            assert theirs() == []
    assert world.inside(GUS).get(f"/v1/grants/{grant['id']}").json() == grant


def test_there_is_no_link_where_nobody_signs_in(world: World) -> None:
    """This broker has no provider: a link would lead nowhere, so none is made."""
    grant = requested(world, "GR-LINK")
    entries = NewEntries(world)
    answer = world.inside("console").post(
        f"/v1/grants/{grant['id']}/approval-link", json={"approver": "customer"}
    )
    assert_problem(answer, 409, "sign_in_not_configured")
    assert entries.told() == [("grant.approval_link_made", "refused", "sign_in_not_configured")]
    served = world.inside("console").get(f"/approvals/{'0' * 64}")
    assert_problem(served, 404, "not_found")
