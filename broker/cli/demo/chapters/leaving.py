"""A third customer comes and goes again: nothing of the broker stays in the account."""

from __future__ import annotations

import time

from broker.cli.demo.stage import NAME_PREFIX, Customer
from broker.cli.demo.steps import Play, Step, Steps, together
from broker.cli.demo.world import World
from broker.domain.identity.permissions import Role

GUEST_ACCOUNT_ID = "777788889999"
GUEST = "Passer-by Ltd"
_ROLES = f"length(Roles[?starts_with(RoleName, '{NAME_PREFIX}')])"
_PROVIDERS = "length(OpenIDConnectProviderList)"
_PATIENCE = 20.0
"""Seconds until the broker has removed everything; it takes less than one."""


def steps(world: World) -> Steps:
    """The customer deletes the stack; its hook makes the broker clear up before it goes."""
    guest = world.stage.onboard(world.api[Role.CONSOLE], GUEST_ACCOUNT_ID, customer=GUEST)
    yield _state(f"{GUEST} made the stack", str(guest.account["state"]), expected="active")
    world.stage.sandbox.delete_stack(GUEST_ACCOUNT_ID)
    yield _state(f"{GUEST} deleted the stack", _settled(world), expected="removed")
    yield from together(
        _left(world, guest, "role", f'iam list-roles --query "{_ROLES}"'),
        _left(
            world, guest, "provider", f'iam list-open-id-connect-providers --query "{_PROVIDERS}"'
        ),
    )
    yield _no_session(world)


def _state(title: str, got: str, *, expected: str) -> Step:
    return Step(title=title, expected=expected, got=got)


def _settled(world: World) -> str:
    """The account's state once it is no longer on its way."""
    deadline = time.monotonic() + _PATIENCE
    while True:
        path = f"/v1/accounts/{GUEST_ACCOUNT_ID}"
        state = str(world.api[Role.CONSOLE].get(path).raise_for_status().json()["state"])
        if state != "removing" or time.monotonic() > deadline:
            return state
        time.sleep(0.05)


def _left(world: World, guest: Customer, what: str, words: str) -> Play:
    """What the customer still finds with their own keys."""
    aws = world.aws(guest.administrator.environment())
    return aws.step(
        f"no {what} of the broker is left (aws iam)",
        words,
        expected="0 left",
        reading=lambda text: f"{text.strip()} left",
    )


def _no_session(world: World) -> Step:
    world.write_ticket("T-GONE", account_ids=[GUEST_ACCOUNT_ID])
    answer = world.broker_get(account_id=GUEST_ACCOUNT_ID, ticket="T-GONE")
    return Step(
        title="and no session opens there any more",
        expected="account_not_active",
        got="a session" if answer.succeeded else answer.code,
        detail=answer.error,
    )
