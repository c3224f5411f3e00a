"""Requests that the broker refuses before AWS is asked, each with its reason."""

from __future__ import annotations

from typing import Any

from broker.cli.demo.steps import Play, Step, Steps, together
from broker.cli.demo.world import COLLEAGUE, OTHER_ACCOUNT_ID, World
from broker.domain.identity.permissions import Role

CLOSED_TICKET, COLLEAGUES_TICKET = "T-1007", "T-1043"


def steps(world: World) -> Steps:
    """The ticket is the reason for everything: without a fitting one there is no session."""
    world.write_ticket(CLOSED_TICKET, status="closed")
    world.write_ticket(COLLEAGUES_TICKET, assignees=[COLLEAGUE])
    yield from together(
        _refused(world, "a closed ticket is refused", "ticket_closed", ticket=CLOSED_TICKET),
        _refused(
            world,
            "an engineer who is not assigned is refused",
            "not_assigned",
            ticket=COLLEAGUES_TICKET,
        ),
        _refused(world, "an unknown ticket is refused", "ticket_not_found", ticket="T-0000"),
        _refused(
            world,
            "a ticket of the other account is refused",
            "ticket_not_for_account",
            account_id=OTHER_ACCOUNT_ID,
        ),
        _refused(
            world, "eleven hours at once are refused", "duration_too_long", "--duration", "39600"
        ),
        _refused(
            world,
            "a customer asking as an engineer is refused",
            "forbidden",
            caller=Role.CUSTOMER,
        ),
    )


def _refused(world: World, title: str, code: str, *options: str, **request: Any) -> Play:
    def play() -> Step:
        answer = world.broker_get(*options, **request)
        return Step(
            title=f"{title} (broker get)",
            expected=code,
            got="a session" if answer.succeeded else answer.code,
            detail=answer.error,
        )

    return play
