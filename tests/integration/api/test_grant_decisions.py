"""Deciding on requests: by somebody else, once, and never against ticket or consent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import httpx
import pytest

from broker.domain.identity.permissions import Role
from broker.domain.ledger.entries import chain_of, verify
from tests.integration.api.granting import GUS, NewEntries, add_people, ask, decide, requested
from tests.integration.api.parallel import at_once
from tests.integration.api.world import (
    ACCOUNT,
    ASKING,
    IN_A_MONTH,
    World,
    answered,
    assert_problem,
)

ALONE = "565656565656"
"""An account of its own, whose consent can be switched off without harm to other tests."""


@pytest.fixture(scope="module", autouse=True)
def _people(world: World) -> None:
    add_people(world)
    world.add_caller("gus-and-approver", Role.ENGINEER, Role.APPROVER)


@pytest.mark.parametrize(("what", "state"), [("approval", "approved"), ("denial", "denied")])
def test_one_decides_and_the_ledger_says_who_and_why(world: World, what: str, state: str) -> None:
    """One entry; the same again by the same person is answered as done, and adds none."""
    grant = requested(world, f"GD-{what}")
    entries = NewEntries(world)
    answer = decide(world.over_http("customer"), grant["id"], what, "we talked about it")
    decided = answered(answer, 200)
    assert (decided["state"], decided["approver"]) == (state, "customer")
    assert decided["decision_reason"] == "we talked about it"
    again = decide(world.inside("customer"), grant["id"], what, "in other words")
    assert answered(again, 200) == decided
    (entry,) = entries()
    assert (entry.action, entry.outcome) == ("grant.decided", "done")
    assert (entry.actor, entry.reason) == ("customer", "we talked about it")
    assert (entry.ids["grant"], entry.ids["ticket"]) == (grant["id"], grant["ticket"])
    assert entry.ids["request"] == answer.headers["X-Request-Id"]
    assert (entry.details["verdict"], entry.details["approver"]) == (state, "customer")


def test_a_token_in_another_ones_name_shows(world: World) -> None:
    """An admin may make tokens in any name, the customer's too: whoever reads the account's chain
    sees another token than the customer's own, and the broker's chain who made it."""
    grant = requested(world, "GD-IN-NAME")
    entries = NewEntries(world)
    body = {"subject": "customer", "roles": ["customer"], "account_ids": [ASKING]}
    made = answered(
        world.inside("admin").post("/v1/tokens", json={**body, "expires_at": IN_A_MONTH}), 201
    )
    world.secrets["in-name"] = made["secret"]
    answered(decide(world.inside("in-name"), grant["id"], "approval"), 200)
    (entry,) = entries()
    assert (entry.actor, entry.details["by_api_token"]) == ("customer", made["id"])
    assert made["id"] != world.token_id("customer")
    (making,) = [each for each in world.ledger() if each.ids.get("api_token") == made["id"]]
    assert (making.action, making.actor) == ("api_token.created", "admin")


@pytest.mark.parametrize("first", ["approval", "denial", "revocation"])
@pytest.mark.parametrize("then", ["approval", "denial"])
def test_what_was_decided_stays_decided(world: World, first: str, then: str) -> None:
    """409 with the state and who it was, in the ledger; the grant is as it was."""
    grant = requested(world, f"GD-{first}-{then}")
    before = answered(decide(world.inside("customer"), grant["id"], first), 200)
    entries = NewEntries(world)
    answer = decide(world.inside("approver"), grant["id"], then)
    problem = assert_problem(answer, 409, "grant_already_decided")
    assert problem["state"] == before["state"]
    assert problem.get("approver") == before["approver"]
    assert ("revoke it" in problem["detail"]) == (before["state"] == "approved")
    assert entries.told() == [("grant.decided", "refused", "grant_already_decided")]
    assert world.inside(GUS).get(f"/v1/grants/{grant['id']}").json() == before


OWN: dict[str, Callable[[World], str]] = {
    "an engineer who approves too": lambda world: answered(
        ask(world.inside("gus-and-approver"), "GD-OWN"), 201
    )["id"],
    "asked for by a console that approves too": lambda world: answered(
        ask(world.inside("console-and-approver"), "GD-OWN", on_behalf_of="kim@vendor.example"), 201
    )["id"],
}


@pytest.mark.parametrize("what", ["approval", "denial"])
@pytest.mark.parametrize("why", OWN)
def test_nobody_decides_what_they_asked_for(world: World, why: str, what: str) -> None:
    """Whatever their roles; the attempt stands in the account's chain."""
    world.write_ticket("GD-OWN", ASKING)
    world.add_caller("console-and-approver", Role.CONSOLE, Role.APPROVER)
    decider = "gus-and-approver" if "engineer" in why else "console-and-approver"
    grant_id = OWN[why](world)
    entries = NewEntries(world)
    assert_problem(decide(world.inside(decider), grant_id, what), 403, "own_request")
    assert entries.told() == [("grant.decided", "refused", "own_request")]
    assert world.inside("admin").get(f"/v1/grants/{grant_id}").json()["state"] == "requested"


@pytest.mark.parametrize("subject", [GUS, "console", "auditor", "admin"])
def test_who_may_only_look_decides_nothing(world: World, subject: str) -> None:
    """403 in the broker's chain; the account's gains nothing."""
    grant = requested(world, f"GD-LOOK-{subject.partition('@')[0]}")
    mine, theirs = NewEntries(world, None), NewEntries(world)
    assert_problem(decide(world.inside(subject), grant["id"], "approval"), 403, "forbidden")
    assert mine.told() == [("access.refused", "refused", "forbidden")]
    assert theirs() == []


SINCE = {
    "ticket_closed": {"status": "closed"},
    "not_assigned": {"assignees": ["bea@vendor.example"]},
    "ticket_not_for_account": {"account_ids": [ACCOUNT]},
}


@pytest.mark.parametrize("code", SINCE)
def test_the_ticket_is_looked_at_again(world: World, code: str) -> None:
    """What is no longer a reason cannot be approved any more, but it can be denied."""
    ticket = f"GD-{code}"
    grant = requested(world, ticket)
    world.write_ticket(ticket, ASKING, **SINCE[code])
    entries = NewEntries(world)
    assert_problem(decide(world.inside("customer"), grant["id"], "approval"), 403, code)
    assert entries.told() == [("grant.decided", "refused", code)]
    assert answered(decide(world.inside("customer"), grant["id"], "denial"), 200)


def test_consent_is_looked_at_again(world: World) -> None:
    """Where the customer switched access off, nobody approves anything."""
    world.customers[ALONE] = world.stage.onboard(
        world.over_http("console"), ALONE, consent="per_grant"
    )
    world.add_caller("alone", Role.CUSTOMER, accounts=(ALONE,))
    world.write_ticket("GD-ALONE", ALONE)
    asked = ask(world.inside(GUS), "GD-ALONE", account_id=ALONE)
    grant_id = answered(asked, 201)["id"]
    off = world.inside("alone").patch(f"/v1/accounts/{ALONE}", json={"consent": "off"})
    assert off.is_success
    entries = NewEntries(world, ALONE)
    assert_problem(decide(world.inside("approver"), grant_id, "approval"), 403, "consent_off")
    assert entries.told() == [("grant.decided", "refused", "consent_off")]


def test_whoever_revokes_is_answered_alike_each_time(world: World) -> None:
    """A request is withdrawn, an approved grant ends; again changes nothing and adds nothing."""
    for first in ("approval", None):
        grant = requested(world, f"GD-REVOKED-{first}")
        if first is not None:
            decide(world.inside("customer"), grant["id"], first).raise_for_status()
        entries = NewEntries(world)
        ended = answered(decide(world.inside(GUS), grant["id"], "revocation", "done with it"), 200)
        assert (ended["state"], ended["decision_reason"]) == ("revoked", "done with it")
        for subject in (GUS, "customer", "approver", "console", "admin"):
            again = decide(world.inside(subject), grant["id"], "revocation", "again")
            assert answered(again, 200) == ended
        assert entries.told() == [("grant.revoked", "done", "done with it")]


def test_a_revoked_grant_opens_nothing_more(world: World) -> None:
    """And the session that it had opened is over: AWS has its Deny when this is answered."""
    grant = requested(world, "GD-LIVE", duration_seconds=7200)
    decide(world.inside("customer"), grant["id"], "approval").raise_for_status()
    asked = {"account_id": ASKING, "ticket": "GD-LIVE"}
    session = answered(world.session(world.over_http(GUS), **asked), 201)["session"]
    decide(world.inside("customer"), grant["id"], "revocation", "enough").raise_for_status()
    shown = world.inside(GUS).get(f"/v1/sessions/{session['id']}").json()
    assert shown["revoked_at"] is not None
    refused = world.session(world.over_http(GUS), **asked)
    problem = assert_problem(refused, 403, "grant_required")
    assert (problem["grant_id"], problem["state"]) == (grant["id"], "revoked")


def test_of_a_hundred_deciders_one_wins(world: World) -> None:
    """Two processes, approvals and denials: one verdict, one entry, 99 are told whose it was."""
    for n in range(25):
        world.add_caller(f"approver-{n}", Role.APPROVER)
    grant = requested(world, "GD-RACE")
    entries = NewEntries(world)

    def attempt(n: int) -> Callable[[], httpx.Response]:
        subject = f"approver-{n // 4}"
        client = world.over_http(subject) if n % 2 else world.inside(subject)
        return lambda: decide(client, grant["id"], ("approval", "denial")[n // 2 % 2])

    answers = at_once([attempt(n) for n in range(100)])
    winner = world.inside("admin").get(f"/v1/grants/{grant['id']}").json()
    for answer in answers:
        if answer.status_code == 200:
            assert answer.json() == winner
            continue
        problem = assert_problem(answer, 409, "grant_already_decided")
        assert (problem["state"], problem["approver"]) == (winner["state"], winner["approver"])
    # Two of the hundred came from the winner with the same verdict, so both may be answered so.
    assert 1 <= sum(answer.status_code == 200 for answer in answers) <= 2
    outcomes = Counter(entry.outcome for entry in entries())
    assert outcomes["done"] == 1
    assert outcomes["refused"] == sum(answer.status_code == 409 for answer in answers)
    verify(world.ledger(ASKING), chain=chain_of(ASKING))


def test_of_twenty_requests_for_the_same_one_is_made(world: World) -> None:
    """On two processes at the same moment: all get the same, and the customer reads of one."""
    world.write_ticket("GD-CROWD", ASKING)
    entries = NewEntries(world)
    clients = [world.over_http(GUS), world.inside(GUS)]
    asks = [lambda n=n: ask(clients[n % 2], "GD-CROWD") for n in range(20)]
    assert len({answered(answer, 201)["id"] for answer in at_once(asks)}) == 1
    assert entries.told() == [("grant.requested", "done", "to look")]


def test_approving_and_revoking_at_the_same_moment(world: World) -> None:
    """Whatever comes first, in the end it is revoked, and no session opens."""
    customer, gus = world.over_http("customer"), world.inside(GUS)
    for n in range(10):
        grant = requested(world, f"GD-BOTH-{n}")
        approval, revocation = at_once(
            [
                lambda grant=grant: decide(customer, grant["id"], "approval"),
                lambda grant=grant: decide(gus, grant["id"], "revocation"),
            ]
        )
        assert answered(revocation, 200)["state"] == "revoked"
        assert approval.status_code in (200, 409)
        after = world.inside("admin").get(f"/v1/grants/{grant['id']}").json()
        assert after["state"] == "revoked"
