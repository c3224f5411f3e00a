"""What operators type beyond one account at a time: many, filtered, waited for; tickets."""

from __future__ import annotations

import json
from threading import Timer
from typing import Any

import pytest

from broker.cli.demo.stage import Customer
from tests.e2e.programs import Ran, run
from tests.e2e.world import METADATA, Person, World


def broker(world: World, *words: str, caller: Person | None = None) -> Ran:
    """The real `broker`, as the admin or whoever else is named."""
    token = (caller or world.callers.admin).api_token
    environment = {"BROKER_URL": world.stage.url, "BROKER_TOKEN": token, "COLUMNS": "120"}
    return run("broker", *words, home=world.home, environment=environment)


def told(world: World, *words: str, caller: Person | None = None) -> Any:
    """What the command prints as JSON; it must have gone well."""
    ran = broker(world, *words, "--json", caller=caller)
    assert ran.status == 0, ran.err
    return json.loads(ran.out)


def ids(answer: Any) -> set[str]:
    """Of the accounts that are listed."""
    return {account["account_id"] for account in answer["items"]}


@pytest.fixture
def bare(world: World) -> str:
    """An account that is registered, without a stack."""
    account_id = str(next(world.numbers))
    world.console.ask("POST", "/v1/accounts", {"account_id": account_id, "customer": "No stack"})
    return account_id


def test_accounts_are_listed_by_state(world: World, bare: str) -> None:
    """Those that miss their support role stand by themselves."""
    missing = told(world, "accounts", "list", "--missing-role")
    assert bare in ids(missing)
    assert METADATA not in ids(missing)
    active = told(world, "accounts", "list", "--state", "active")
    assert METADATA in ids(active)
    assert bare not in ids(active)
    neither = broker(world, "accounts", "list", "--state", "active", "--missing-role")
    assert (neither.status, neither.out) == (0, "There is no such account.\n")


def test_several_are_brought_in_order(world: World, customer: Customer) -> None:
    """One line each as they are done, a summary at the end, and the accounts as JSON."""
    own = str(customer.account["account_id"])
    ran = broker(world, "accounts", "sync", METADATA, own, METADATA, "--json")
    assert ran.status == 0, ran.err
    assert [each["account_id"] for each in json.loads(ran.out)["items"]] == [METADATA, own]
    assert ran.err.splitlines() == [
        f"{METADATA} is active",
        f"{own} is active",
        "2 of 2 accounts are well.",
    ]


def test_one_that_is_not_well_does_not_hold_up_the_others(world: World, bare: str) -> None:
    """Nor one that nobody knows; the summary names both, and the exit code is 1."""
    unknown = "999988887777"
    ran = broker(world, "accounts", "sync", unknown, bare, METADATA)
    assert ran.status == 1
    assert "[not_found]" in ran.err
    assert ran.err.splitlines()[-1] == (f"1 of 3 accounts are well. Not well: {unknown}, {bare}.")
    assert METADATA in ran.out


def test_all_are_all_but_those_that_leave(world: World, bare: str, customer: Customer) -> None:
    """An account that is gone is not brought back."""
    gone = str(customer.account["account_id"])
    told(world, "accounts", "remove", gone, "--yes")
    ran = broker(world, "accounts", "sync", "--all", "--json")
    listed = ids(json.loads(ran.out))
    assert {METADATA, bare} <= listed
    assert gone not in listed
    assert ran.status == 1


@pytest.mark.parametrize("words", [(), ("--all", METADATA)])
def test_which_accounts_must_be_said(world: World, words: tuple[str, ...]) -> None:
    """Not both, and not neither."""
    ran = broker(world, "accounts", "sync", *words)
    assert (ran.status, ran.out) == (2, "")
    assert "Name accounts, or say --all." in ran.err


def test_waiting_ends_when_the_stack_is_there(world: World, bare: str) -> None:
    """Somebody creates it meanwhile; what was waited for is shown."""

    def follow_the_link() -> None:
        world.stage.sandbox.create_account(bare)
        world.stage.create_stack(world.console.ask("GET", f"/v1/accounts/{bare}"))
        world.reconcile(bare)

    meanwhile = Timer(0.5, follow_the_link)
    meanwhile.start()
    try:
        ran = broker(world, "accounts", "wait", bare, "--timeout", "120")
    finally:
        meanwhile.join()
    assert ran.status == 0, ran.err
    assert "active" in ran.out


def test_waiting_in_vain_says_what_to_do(world: World, bare: str, customer: Customer) -> None:
    """Exit code 1: it is late, or it will never come."""
    late = broker(world, "accounts", "wait", bare, "--timeout", "0")
    assert (late.status, late.out) == (1, "")
    assert f"{bare} is still registered, not active" in late.err
    assert f"broker doctor {bare} --remote" in late.err
    gone = str(customer.account["account_id"])
    told(world, "accounts", "remove", gone, "--yes")
    never = broker(world, "accounts", "wait", gone)
    assert (never.status, never.out) == (1, "")
    assert "will not be active" in never.err


def test_what_is_read_is_changed(world: World, customer: Customer) -> None:
    """Profile and payer, each alone; nothing said is wrong usage."""
    account_id = str(customer.account["account_id"])
    assert told(world, "accounts", "change", account_id, "--profile", "full")["profile"] == "full"
    changed = told(world, "accounts", "change", account_id, "--payer")
    assert (changed["profile"], changed["payer"]) == ("full", True)
    assert broker(world, "accounts", "change", account_id).status == 2


def test_a_ticket_from_its_opening_to_its_end(world: World, customer: Customer) -> None:
    """Told, listed, shown; closing it keeps what it says."""
    account_id = str(customer.account["account_id"])
    said = ("--subject", "Slow [b]queries", "--assignee", "jane@vendor.example")
    told(world, "tickets", "put", "T-desk", "--account", account_id, *said)
    (listed,) = told(world, "tickets", "list", "--account", account_id, "--status", "open")["items"]
    assert (listed["id"], listed["assignees"]) == ("T-desk", ["jane@vendor.example"])
    shown = broker(world, "tickets", "show", "T-desk").out
    assert "Subject      Slow [b]queries" in shown
    closed = told(world, "tickets", "close", "T-desk")
    assert (closed["status"], closed["account_ids"], closed["subject"], closed["assignees"]) == (
        "closed",
        [account_id],
        "Slow [b]queries",
        ["jane@vendor.example"],
    )
    none = broker(world, "tickets", "list", "--account", account_id, "--status", "open")
    assert none.out == "There is no such ticket.\n"
    assert broker(world, "tickets", "put", "T-desk", caller=world.engineer).status == 2
    refused = broker(world, "tickets", "close", "T-1042", caller=world.auditor)
    assert refused.status == 3


def test_live_sessions_are_told_from_those_that_ended(world: World, customer: Customer) -> None:
    """And found by ticket and engineer."""
    account_id = str(customer.account["account_id"])
    tickets = [world.ticket(f"T-live-{number}", account_id) for number in range(2)]
    first, second = (world.session(account_id, ticket)["session"]["id"] for ticket in tickets)
    told(world, "sessions", "revoke", first, "--wait", "0")

    def listed(*words: str) -> list[str]:
        answer = told(world, "sessions", "list", "--account", account_id, *words)
        return [session["id"] for session in answer["items"]]

    assert listed() == [second, first]
    assert listed("--live") == [second]
    assert listed("--ticket", tickets[0]) == [first]
    assert listed("--engineer", "nobody@vendor.example") == []


def test_the_ledger_is_read(world: World, customer: Customer) -> None:
    """In order, the last entries alone where they are asked for."""
    account_id = str(customer.account["account_id"])
    entries = told(world, "ledger", "list", "--account", account_id)["items"]
    assert [entry["seq"] for entry in entries] == list(range(1, len(entries) + 1))
    last = broker(world, "ledger", "list", "--account", account_id, "--last", "2").out
    assert len(last.splitlines()) == 3
    assert entries[-1]["action"] in last
