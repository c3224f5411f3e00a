"""A customer who approves each access: asked for, approved, used, and over with the ticket."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager

from broker.cli.demo.programs import Answer, AwsCli
from broker.cli.demo.stage import StageError
from broker.cli.demo.steps import Step, Steps
from broker.cli.demo.world import ACCOUNT_ID, OpenedSession, World
from broker.domain.identity.permissions import Role

TICKET = "T-1050"
_PATIENCE = 60.0
"""Seconds until the session of a closed ticket must be dead."""

_PAUSE = 0.2


def steps(world: World) -> Steps:
    """From the request to the end of the session, each by the one whose turn it is."""
    world.write_ticket(TICKET, subject="Invoices are wrong since Tuesday")
    with _approving_each(world):
        grant_id, first = _asked(world)
        yield from first
        yield from _approved(world, grant_id)
        opened = world.open_session(ticket=TICKET)
        aws = world.aws(opened.credentials)
        yield aws.step(
            "the session works (aws iam list-roles)", "iam list-roles", expected="done"
        )()
        world.write_ticket(TICKET, status="closed")
        yield _dies(aws)
        yield from _over(world, grant_id, opened)


@contextmanager
def _approving_each(world: World) -> Iterator[None]:
    """The customer wants to be asked each time, until the chapter ends."""
    _consent(world, "per_grant")
    try:
        yield
    finally:
        _consent(world, "standing")


def _consent(world: World, word: str) -> None:
    path = f"/v1/accounts/{ACCOUNT_ID}"
    world.api[Role.CUSTOMER].patch(path, json={"consent": word}).raise_for_status()


def _asked(world: World) -> tuple[str, Steps]:
    """The request's id, and the steps of asking."""
    refused = world.broker_get(ticket=TICKET)
    asked = world.broker(
        *("requests", "create", "--account", ACCOUNT_ID, "--ticket", TICKET),
        *("--reason", "Compare the invoices of Monday and Tuesday", "--duration", "1800"),
        "--json",
        caller=Role.ENGINEER,
    )
    if not asked.succeeded:
        raise StageError(f"`broker requests create` failed: {asked.error.strip()}")
    grant = json.loads(asked.output)
    told = (
        Step(
            title="the customer wants to be asked each time (broker get)",
            expected="grant_required",
            got="a session" if refused.succeeded else refused.code,
            detail=refused.error,
        ),
        Step(
            title="the engineer asks (broker requests create)",
            expected="requested",
            got=grant["state"],
        ),
    )
    return grant["id"], iter(told)


def _approved(world: World, grant_id: str) -> Steps:
    by_engineer = _approval(world, grant_id, Role.ENGINEER)
    yield Step(
        title="the engineer cannot approve it (broker requests approve)",
        expected="forbidden",
        got=_state_or_code(by_engineer),
        detail=by_engineer.error,
    )
    by_customer = _approval(world, grant_id, Role.CUSTOMER)
    yield Step(
        title="the customer approves it (broker requests approve)",
        expected="approved",
        got=_state_or_code(by_customer),
        detail=by_customer.error,
    )


def _approval(world: World, grant_id: str, caller: Role) -> Answer:
    words = ("requests", "approve", grant_id, "--reason", "Go ahead", "--json")
    return world.broker(*words, caller=caller)


def _state_or_code(answer: Answer) -> str:
    return str(json.loads(answer.output)["state"]) if answer.succeeded else answer.code


def _dies(aws: AwsCli) -> Step:
    """Nobody asks for it: the worker compares what was granted with the ticket."""
    begun = time.monotonic()
    call = aws.step(
        "the ticket is closed, and the session dies (aws iam)",
        "iam list-roles",
        expected="AccessDenied",
    )
    while True:
        step = call()
        if step.held or time.monotonic() - begun > _PATIENCE:
            return step
        time.sleep(_PAUSE)


def _over(world: World, grant_id: str, opened: OpenedSession) -> Steps:
    engineer = world.api[Role.ENGINEER]
    grant = engineer.get(f"/v1/grants/{grant_id}").raise_for_status().json()
    yield Step(title="its grant has ended with it", expected="revoked", got=grant["state"])
    yield Step(
        title="the broker has seen AWS refuse (broker sessions show)",
        expected="effective",
        got=_revocation(world, opened.session["id"]),
    )
    again = world.broker_get(ticket=TICKET)
    yield Step(
        title="and no session opens for it any more (broker get)",
        expected="ticket_closed",
        got="a session" if again.succeeded else again.code,
        detail=again.error,
    )


def _revocation(world: World, session_id: str) -> str:
    """How far the session's revocation has come, once it has come as far as it goes."""
    deadline = time.monotonic() + _PATIENCE
    while True:
        shown = world.broker("sessions", "show", session_id, "--json", caller=Role.ENGINEER)
        if not shown.succeeded:
            return shown.code
        revocation = json.loads(shown.output)["revocation"] or {"state": "not revoked"}
        if revocation["state"] == "effective" or time.monotonic() > deadline:
            return str(revocation["state"])
        time.sleep(_PAUSE)
