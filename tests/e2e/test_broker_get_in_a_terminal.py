"""`broker get` with somebody in front of it: picking account and ticket, waiting for approval."""

from __future__ import annotations

import json
import threading
import time

from tests.e2e.programs import PATIENCE
from tests.e2e.screen import Screen
from tests.e2e.world import METADATA, Person, World

NEEDS_APPROVAL = "Look at slow queries"


def environment(world: World) -> dict[str, str]:
    return {"BROKER_URL": world.stage.url, "BROKER_TOKEN": world.engineer.api_token}


def test_account_and_ticket_are_picked_and_only_credentials_go_to_stdout(world: World) -> None:
    """As in `eval "$(broker get)"`: the questions are on the terminal, filtered as one types."""
    world.ticket("T-pick-1", METADATA, subject="Invoices are missing")
    world.ticket("T-pick-2", METADATA, subject="Queries are slow")
    output = world.home / "picked"
    with Screen(
        "broker",
        "get",
        "--format",
        "json",
        home=world.home,
        environment=environment(world),
        output=output,
    ) as screen:
        screen.see("Account")
        screen.see(f"{METADATA}  Customer {METADATA}")
        screen.type(f"{METADATA}\r")
        screen.see("Ticket")
        screen.see("T-pick-2  Queries are slow")
        screen.type("slow")
        screen.type("\r")
        assert screen.ended() == 0, screen.everything()
    session = json.loads(output.read_text())["session"]
    output.unlink()
    assert (session["account_id"], session["ticket"]) == (METADATA, "T-pick-2")


def test_whoever_picks_nothing_gets_nothing(world: World) -> None:
    """Ctrl-C at the question ends the command, with no session and no trace."""
    with Screen("broker", "get", home=world.home, environment=environment(world)) as screen:
        screen.see("Account")
        screen.see("(type to filter)")
        screen.type("\x03")
        assert screen.ended() == 1, screen.everything()
        assert "Traceback" not in screen.everything()


def test_get_waits_for_the_customer(world: World) -> None:
    """It asks for the grant once, says what it waits for, and gives credentials when approved."""
    account_id = world.onboard(consent="per_grant").account["account_id"]
    ticket = world.ticket("T-wait", account_id)
    options = ("--account", account_id, "--ticket", ticket)

    refused = world.broker_get(*options)
    assert refused.status == 3
    assert f"broker requests create --account {account_id} --ticket {ticket}" in refused.err
    assert "or add --wait" in refused.err
    assert refused.err.endswith("[grant_required]\n")

    customer = world.customer_of(account_id)
    deciding = threading.Thread(target=_decide, args=(customer, account_id, "approval"))
    deciding.start()
    waited = world.broker_get(*options, "--wait", "--reason", NEEDS_APPROVAL, "--format", "json")
    deciding.join()
    assert waited.status == 0, waited.err
    (grant,) = customer.ask("GET", f"/v1/grants?account_id={account_id}")["items"]
    assert grant["reason"] == NEEDS_APPROVAL
    assert waited.err == f"Waiting for the customer's decision on {grant['id']}.\n"
    assert json.loads(waited.out)["session"]["grant_id"] == grant["id"]


def test_a_denial_is_told_with_its_reason(world: World) -> None:
    """Exit code 3, who denied and why; nothing on standard output."""
    account_id = world.onboard(consent="per_grant").account["account_id"]
    ticket = world.ticket("T-deny", account_id)
    customer = world.customer_of(account_id)
    deciding = threading.Thread(target=_decide, args=(customer, account_id, "denial"))
    deciding.start()
    waited = world.broker_get(
        "--account", account_id, "--ticket", ticket, "--wait", "--reason", NEEDS_APPROVAL
    )
    deciding.join()
    assert (waited.status, waited.out) == (3, "")
    assert 'was denied by the-customer: "as agreed". [grant_denied]' in waited.err


def test_a_request_that_waits_is_named(world: World) -> None:
    """Without --wait the refusal says what was asked for already, and how to look at it."""
    account_id = world.onboard(consent="per_grant").account["account_id"]
    ticket = world.ticket("T-asked", account_id)
    body = {"account_id": account_id, "ticket": ticket, "reason": NEEDS_APPROVAL}
    grant = world.engineer.ask("POST", "/v1/grants", body)
    refused = world.broker_get("--account", account_id, "--ticket", ticket)
    assert refused.status == 3
    assert f"`broker requests show {grant['id']}`, or --wait for it" in refused.err


def test_after_a_denial_the_way_is_to_ask_again(world: World) -> None:
    """Nobody decides on what was denied, so there is nothing to wait for."""
    account_id = world.onboard(consent="per_grant").account["account_id"]
    ticket = world.ticket("T-denied-once", account_id)
    body = {"account_id": account_id, "ticket": ticket, "reason": NEEDS_APPROVAL}
    grant = world.engineer.ask("POST", "/v1/grants", body)
    customer = world.customer_of(account_id)
    customer.ask("POST", f"/v1/grants/{grant['id']}/denial", {"reason": "not today"})
    refused = world.broker_get("--account", account_id, "--ticket", ticket)
    assert refused.status == 3
    assert f"{grant['id']} was denied" in refused.err
    assert f"Ask again: `broker requests create --account {account_id}" in refused.err


def test_waiting_without_a_reason_is_wrong_usage(world: World) -> None:
    """The customer decides on a reason; a script that gives none is told."""
    account_id = world.onboard(consent="per_grant").account["account_id"]
    ticket = world.ticket("T-no-reason", account_id)
    ran = world.broker_get("--account", account_id, "--ticket", ticket, "--wait")
    assert (ran.status, ran.out) == (2, "")
    assert "say with --reason what you will do" in ran.err


def _decide(customer: Person, account_id: str, what: str) -> None:
    """As the customer: wait for the request, and decide on it."""
    deadline = time.monotonic() + PATIENCE
    path = f"/v1/grants?account_id={account_id}&state=requested"
    while not (waiting := customer.ask("GET", path)["items"]):
        assert time.monotonic() < deadline
        time.sleep(0.2)
    decision = f"/v1/grants/{waiting[0]['id']}/{what}"
    customer.ask("POST", decision, {"reason": "as agreed"})
