"""What a caller may not see looks as if it did not exist; what is one's own is nobody else's."""

from __future__ import annotations

import pytest

from broker.domain.identity.permissions import Role
from tests.integration.api.world import (
    ACCOUNT,
    ENGINEER,
    NOWHERE,
    OTHER,
    World,
    assert_problem,
    pages,
)


@pytest.fixture(scope="module")
def session_id(world: World) -> str:
    """A session of the engineer in the account."""
    answer = world.session(world.inside(ENGINEER)).raise_for_status()
    return str(answer.json()["session"]["id"])


def test_another_customer_sees_nothing(world: World, session_id: str) -> None:
    """Neither the account nor its ledger, tickets, or sessions; not even that they exist."""
    other = world.inside("other-customer")
    world.write_ticket("ONLY-ONE", ACCOUNT)
    assert_problem(other.get(f"/v1/accounts/{ACCOUNT}"), 403, "forbidden")
    assert_problem(other.get("/v1/ledger", params={"account_id": ACCOUNT}), 403, "forbidden")
    assert_problem(other.get("/v1/ledger"), 403, "forbidden")
    assert_problem(other.get("/v1/tickets/ONLY-ONE"), 404, "not_found")
    assert_problem(other.get(f"/v1/sessions/{session_id}"), 404, "not_found")
    accounts = other.get("/v1/accounts").json()["items"]
    assert [account["account_id"] for account in accounts] == [OTHER]
    tickets = other.get("/v1/tickets").json()["items"]
    assert all(OTHER in ticket["account_ids"] for ticket in tickets)
    sessions = pages(other, "/v1/sessions", limit=200)
    assert {session["account_id"] for session in sessions} <= {OTHER}
    assert other.get("/v1/sessions", params={"account_id": ACCOUNT}).json()["items"] == []


def test_an_account_that_does_not_exist_looks_like_anothers(world: World) -> None:
    """A customer cannot find out which accounts are registered."""
    other = world.inside("other-customer")
    problems = [other.get(f"/v1/accounts/{account_id}").json() for account_id in (ACCOUNT, NOWHERE)]
    for problem in problems:
        del problem["request_id"]
    assert problems[0] == problems[1]


def test_an_engineer_sees_only_own_sessions(world: World, session_id: str) -> None:
    """Another engineer's session is not there, not in the list either."""
    world.add_caller("eve@vendor.example", Role.ENGINEER)
    eve = world.inside("eve@vendor.example")
    assert_problem(eve.get(f"/v1/sessions/{session_id}"), 404, "not_found")
    assert eve.get("/v1/sessions").json() == {"items": [], "next": None}
    assert eve.get("/v1/sessions", params={"account_id": ACCOUNT}).json()["items"] == []


def test_an_engineer_opens_sessions_for_nobody_else(world: World) -> None:
    """on_behalf_of is a console's: 403, in the broker's chain, and no line in the account's."""
    before = world.ledger(ACCOUNT)
    answer = world.session(world.inside(ENGINEER), on_behalf_of="bea@vendor.example")
    assert_problem(answer, 403, "forbidden")
    assert world.ledger(ACCOUNT) == before
    assert world.ledger()[-1].reason == "forbidden"


def test_consent_is_the_customers_alone(world: World) -> None:
    """Nobody of the vendor's gives or takes it, and a mixed change is refused whole."""
    before = world.inside("admin").get(f"/v1/accounts/{ACCOUNT}").json()
    for subject in ("admin", "console", "auditor", "approver", ENGINEER, "other-customer"):
        for body in ({"consent": "off"}, {"consent": "off", "payer": True}):
            answer = world.inside(subject).patch(f"/v1/accounts/{ACCOUNT}", json=body)
            assert_problem(answer, 403, "forbidden")
    answer = world.inside("customer").patch(
        f"/v1/accounts/{ACCOUNT}", json={"consent": "off", "payer": True}
    )
    assert_problem(answer, 403, "forbidden")
    assert world.inside("admin").get(f"/v1/accounts/{ACCOUNT}").json() == before


def test_a_ticket_is_written_only_by_who_has_a_say_in_all_its_accounts(world: World) -> None:
    """Those that it concerns and those that it concerned: a bound console takes over nothing."""
    world.add_caller("small-console", Role.CONSOLE, accounts=(OTHER,))
    small = world.inside("small-console")
    world.write_ticket("SHARED", ACCOUNT, OTHER)
    own = {"account_ids": [OTHER], "status": "open"}
    assert small.put("/v1/tickets/SMALL", json=own).is_success
    assert_problem(small.put("/v1/tickets/SHARED", json=own), 403, "forbidden")
    everywhere = {"account_ids": [], "status": "open"}
    assert_problem(small.put("/v1/tickets/NOWHERE", json=everywhere), 403, "forbidden")


def test_an_engineer_sees_the_tickets_they_may_work_on(world: World) -> None:
    """Those assigned to them, or to nobody in particular; of the others not even the subject."""
    world.write_ticket("FOR-ANN", ACCOUNT, assignees=[ENGINEER, "bea@vendor.example"])
    world.write_ticket("FOR-BEA", ACCOUNT, assignees=["bea@vendor.example"])
    world.write_ticket("FOR-ALL", ACCOUNT)
    ann = world.inside(ENGINEER)
    for ticket in ("FOR-ANN", "FOR-ALL"):
        assert ann.get(f"/v1/tickets/{ticket}").is_success
    assert_problem(ann.get("/v1/tickets/FOR-BEA"), 404, "not_found")
    listed = {ticket["id"] for ticket in pages(ann, "/v1/tickets", limit=200)}
    assert listed >= {"FOR-ANN", "FOR-ALL"}
    assert "FOR-BEA" not in listed
    for subject in ("approver", "console", "auditor", "admin", "customer"):
        assert world.inside(subject).get("/v1/tickets/FOR-BEA").is_success


def test_an_engineer_bound_to_accounts_sees_tickets_of_these_only(world: World) -> None:
    """Both conditions hold together: the binding and the assignment."""
    world.add_caller("bound-ann", Role.ENGINEER, accounts=(OTHER,))
    world.write_ticket("FOR-OTHER", OTHER, assignees=["bound-ann"])
    world.write_ticket("NOT-OTHER", ACCOUNT, assignees=["bound-ann"])
    bound = world.inside("bound-ann")
    assert bound.get("/v1/tickets/FOR-OTHER").is_success
    assert_problem(bound.get("/v1/tickets/NOT-OTHER"), 404, "not_found")
