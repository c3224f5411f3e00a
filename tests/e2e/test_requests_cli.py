"""`broker requests` as engineers and approvers meet it: every command, over the real API."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest

from tests.e2e.programs import Ran, run
from tests.e2e.world import ENGINEER, Person, World

COMMANDS = ("create", "list", "show", "approve", "deny", "revoke")
REASON = "slow queries [bold]since Monday[/bold]"
NOBODYS = "gr-" + "0" * 20


@dataclass(frozen=True)
class Desk:
    """An account whose customer approves each access, a ticket, and both sides at their shells."""

    world: World
    account_id: str
    ticket: str
    customer: Person

    def requests(self, *words: str, caller: Person | None = None) -> Ran:
        """The real command, as the engineer or whoever else is named."""
        environment = {
            "BROKER_URL": self.world.stage.url,
            "BROKER_TOKEN": (caller or self.world.engineer).api_token,
            "COLUMNS": "200",
        }
        return run("broker", "requests", *words, home=self.world.home, environment=environment)

    def told(self, *words: str, caller: Person | None = None) -> Any:
        """What it prints as JSON; it must have gone well."""
        ran = self.requests(*words, "--json", caller=caller)
        assert (ran.status, ran.err) == (0, ""), ran.err
        return json.loads(ran.out)

    def create(self, *words: str) -> Ran:
        """Ask for a grant for the ticket."""
        where = ("--account", self.account_id, "--ticket", self.ticket, "--reason", REASON)
        return self.requests("create", *where, *words)

    def created(self, *words: str) -> Any:
        """The request that comes of it."""
        ran = self.create(*words, "--json")
        assert (ran.status, ran.err) == (0, ""), ran.err
        return json.loads(ran.out)

    def grant(self, grant_id: str) -> Any:
        """The grant as the API has it."""
        return self.world.console.ask("GET", f"/v1/grants/{grant_id}")


@pytest.fixture(scope="module")
def account(world: World) -> str:
    """An account under per-grant consent."""
    return str(world.onboard(consent="per_grant").account["account_id"])


@pytest.fixture
def desk(world: World, account: str) -> Desk:
    """One with a ticket of the test's own."""
    ticket = world.ticket(f"R-{next(world.numbers)}", account)
    return Desk(world, account, ticket, world.customer_of(account))


def test_from_the_request_to_credentials(desk: Desk) -> None:
    """Asked for, found by the customer, approved, used, revoked, and refused after that."""
    asked = desk.create()
    assert (asked.status, asked.err) == (0, "")
    lines = [line.split(maxsplit=1) for line in asked.out.splitlines()]
    assert ["State", "requested"] in lines
    assert ["Engineer", ENGINEER] in lines
    assert ["Reason", REASON] in lines
    grant_id = next(value for name, value in lines if name == "Grant")

    get = ("--account", desk.account_id, "--ticket", desk.ticket, "--duration", "900")
    early = desk.world.broker_get(*get)
    assert (early.status, early.out) == (3, "")
    assert early.err.endswith("[grant_required]\n")

    filters = ("--state", "requested", "--account", desk.account_id, "--ticket", desk.ticket)
    (found,) = desk.told("list", *filters, caller=desk.customer)["items"]
    assert (found["id"], found["reason"]) == (grant_id, REASON)
    approved = desk.requests("approve", grant_id, "--reason", "go on", caller=desk.customer)
    assert (approved.status, approved.err) == (0, "")
    assert "the-customer" in approved.out
    assert desk.world.broker_get(*get).status == 0

    revoked = desk.told("revoke", grant_id, "--reason", "done")
    assert (revoked["state"], revoked["decision_reason"]) == ("revoked", "done")
    assert desk.world.broker_get(*get).status == 3


def test_a_denial_says_why(desk: Desk) -> None:
    """To the engineer too, who finds it under the grant."""
    grant_id = desk.created()["id"]
    denied = desk.told("deny", grant_id, "--reason", "not today", caller=desk.customer)
    assert denied == desk.grant(grant_id)
    shown = desk.requests("show", grant_id)
    assert "denied" in shown.out
    assert "not today" in shown.out
    assert desk.told("show", grant_id) == denied


def test_who_decides_too_late_is_told_whose_verdict_counts(desk: Desk) -> None:
    """And what it was, in the sentence itself."""
    grant_id = desk.created()["id"]
    denied = desk.told("deny", grant_id, caller=desk.customer)
    late = desk.requests("approve", grant_id, caller=desk.customer)
    assert (late.status, late.out) == (3, "")
    assert f"It is denied, by {denied['approver']}." in late.err
    assert "[grant_already_decided]" in late.err


def test_what_is_asked_for(desk: Desk) -> None:
    """Access and duration as given; four hours where nobody says how long."""
    plain = desk.created()
    assert (plain["access"], plain["duration_seconds"]) == ("read", 14_400)
    case = desk.created("--access", "case", "--duration", "900")
    assert (case["access"], case["duration_seconds"]) == ("case", 900)


def test_breaking_the_glass(desk: Desk) -> None:
    """It takes the role; then an hour, at once, and it stands out in the list."""
    refused = desk.create("--break-glass")
    assert (refused.status, refused.out) == (3, "")
    assert refused.err.endswith("[forbidden]\n")
    breaker = desk.world.callers.person("bree@vendor.example", "engineer", "break_glass")
    where = ("--account", desk.account_id, "--ticket", desk.ticket)
    words = ("create", *where, "--break-glass", "--reason", REASON)
    grant = desk.told(*words, caller=breaker)
    assert (grant["state"], grant["urgency"]) == ("approved", "break_glass")
    assert grant["duration_seconds"] == 3600
    listed = desk.requests("list", "--ticket", desk.ticket, caller=breaker)
    assert "glass broken" in listed.out


def test_a_console_names_the_engineer(desk: Desk) -> None:
    """And is named as who asked."""
    where = ("--account", desk.account_id, "--ticket", desk.ticket)
    words = ("create", *where, "--on-behalf-of", "kim@vendor.example")
    grant = desk.told(*words, caller=desk.world.console)
    assert (grant["engineer"], grant["requested_by"]) == ("kim@vendor.example", "console")


def test_nothing_to_list(desk: Desk) -> None:
    """Says so, instead of an empty table."""
    ran = desk.requests("list", "--ticket", "R-NOTHING")
    assert (ran.status, ran.out, ran.err) == (0, "There is no such grant.\n", "")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("show", "gr-1"), "grant id"),
        (("approve", "../tokens"), "grant id"),
        (("create", "--account", "1", "--ticket", "T"), "twelve digits"),
        (("create", "--account", "1" * 12, "--ticket", "a b"), "letters, digits"),
        (("list", "--state", "open"), "requested"),
        (("deny",), "Missing argument"),
    ],
)
def test_wrong_usage(desk: Desk, words: tuple[str, ...], said: str) -> None:
    """Exit code 2, before anything is asked of the broker."""
    ran = desk.requests(*words)
    assert (ran.status, ran.out) == (2, "")
    assert said in ran.err


@pytest.mark.parametrize("command", ["show", "approve", "deny", "revoke"])
def test_what_does_not_exist(desk: Desk, command: str) -> None:
    """Exit code 3 and the code."""
    ran = desk.requests(command, NOBODYS, caller=desk.customer)
    assert (ran.status, ran.out) == (3, "")
    assert ran.err.endswith("[not_found]\n")


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(desk: Desk, command: str) -> None:
    """With an example, without a broker."""
    ran = desk.requests(command, "--help")
    assert ran.status == 0
    assert f"broker requests {command} " in ran.out
    assert "Exit codes" in ran.out
