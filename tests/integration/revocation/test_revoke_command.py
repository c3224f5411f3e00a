"""`broker revoke` as operators and engineers meet it: the real command, over the real API."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.programs import Ran, run
from tests.integration.revocation.world import ENGINEERS, World

Revoke = Callable[..., Ran]


@pytest.fixture
def revoke(world: World, tmp_path: Path) -> Revoke:
    """Runs the command as the console, or as whoever is named."""

    def run_it(*words: str, caller: str = "console") -> Ran:
        token = world.callers[caller].headers["Authorization"].removeprefix("Bearer ")
        environment = {"BROKER_URL": world.stage.url, "BROKER_TOKEN": token}
        return run("broker", "revoke", *words, home=tmp_path, environment=environment)

    return run_it


def test_one_session_ends_and_the_seconds_are_told(world: World, revoke: Revoke) -> None:
    """By the engineer whose it is; it waits until AWS was seen to refuse."""
    account = world.account()
    opened = world.open(account, world.ticket(account))
    ran = revoke("session", opened["session"]["id"], caller=ENGINEERS[0])
    assert ran.status == 0, ran.err
    assert "1 session in 1 account. The Deny stands after" in ran.err
    assert "AWS refuses 1 of 1." in ran.err
    reached = world.session(opened["session"]["id"])["revocation"]
    assert reached["state"] == "effective"
    assert ran.out == f"AWS refuses them: effective within {reached['seconds']:.1f} s.\n"
    assert not world.lets_in(opened)


@pytest.mark.parametrize("scope", ["engineer", "ticket", "account", "everything"])
def test_much_ends_at_once(world: World, revoke: Revoke, scope: str) -> None:
    """Each scope, as JSON with how far every session has come."""
    account = world.account()
    ticket = world.ticket(account)
    opened = world.open(account, ticket, engineer=ENGINEERS[2])
    named = {"engineer": [ENGINEERS[2]], "ticket": [ticket], "account": [account]}
    words = (scope, *named.get(scope, []), "--reason", "a leak", "--yes", "--json")
    ran = revoke(*words)
    assert ran.status == 0, ran.err
    told: dict[str, Any] = json.loads(ran.out)
    assert (told["scope"], told["state"]) == (scope, "applied")
    assert told["revocations"][opened["session"]["id"]]["state"] == "effective"
    assert not world.lets_in(opened)


def test_not_waiting_says_so(world: World, revoke: Revoke) -> None:
    """`--wait 0` returns as soon as the Deny stands."""
    account = world.account()
    opened = world.open(account, world.ticket(account))
    ran = revoke("session", opened["session"]["id"], "--wait", "0")
    assert ran.status == 0, ran.err
    assert world.session(opened["session"]["id"])["revoked_at"] is not None


def test_what_aws_does_not_refuse_in_time_fails(
    world: World, revoke: Revoke, slow_iam: Callable[[float], None]
) -> None:
    """Exit code 1, and that it goes on: a script must not take it for done."""
    account = world.account()
    opened = world.open(account, world.ticket(account))
    slow_iam(8)
    ran = revoke("session", opened["session"]["id"], "--wait", "1")
    assert (ran.status, ran.out) == (1, "")
    assert "AWS was not seen to refuse 1 of 1 within 1 s." in ran.err
    world.revocation(opened["session"]["id"], "effective")


def test_much_is_asked_about_first(world: World, revoke: Revoke) -> None:
    """Without --yes, whoever does not say yes has ended nothing."""
    account = world.account()
    ticket = world.ticket(account)
    opened = world.open(account, ticket)
    ran = revoke("ticket", ticket, "--reason", "a leak")
    assert ran.status == 1
    assert f"End everything that {ticket} led to?" in ran.err
    assert world.session(opened["session"]["id"])["revocation"] is None


def test_nothing_to_end_is_told(revoke: Revoke) -> None:
    """A ticket that nobody knows, say: perhaps it was misspelt."""
    ran = revoke("ticket", "T-nobody-knows", "--reason", "a leak", "--yes")
    assert (ran.status, ran.out) == (0, "No live session was found.\n")


def test_refusals_and_wrong_usage(revoke: Revoke) -> None:
    """Exit codes as everywhere, and no address is made of what is no identifier."""
    denied = revoke("everything", "--reason", "mine", "--yes", caller=ENGINEERS[0])
    assert (denied.status, denied.err.endswith("[forbidden]\n")) == (3, True)
    assert revoke("session", "../accounts").status == 2
    assert revoke("account", "111122223333", "--yes").status == 2
    assert revoke("session", "s-" + "0" * 20).status == 3
