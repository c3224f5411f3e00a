"""Asking for grants and deciding on them, as the tests of grants do it again and again."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import httpx

from broker.domain.identity.permissions import Role
from broker.domain.ledger.entries import LedgerEntry
from tests.integration.api.world import ASKING, World, answered

GUS = "gus@vendor.example"
"""An engineer who asks for grants."""

BREAKER = "bree@vendor.example"
"""An engineer who may break the glass."""

EMERGENCY = "The database of the customer is down and nobody answers"


def add_people(world: World) -> None:
    """Whom the tests of grants need beyond everybody else."""
    world.add_caller(GUS, Role.ENGINEER)
    world.add_caller(BREAKER, Role.ENGINEER, Role.BREAK_GLASS)
    world.add_caller("second-approver", Role.APPROVER)


def ask(client: httpx.Client, ticket: str, **members: Any) -> httpx.Response:
    """Ask for a grant in the account whose customer approves each one."""
    body = {"account_id": ASKING, "ticket": ticket, "reason": "to look", **members}
    return client.post("/v1/grants", json=body)


def requested(world: World, ticket: str, **members: Any) -> dict[str, Any]:
    """A request of Gus for a new ticket, which waits."""
    world.write_ticket(ticket, ASKING)
    grant = answered(ask(world.inside(GUS), ticket, **members), 201)
    assert grant["state"] == "requested"
    return dict(grant)


def decide(client: httpx.Client, grant_id: str, what: str, reason: str = "") -> httpx.Response:
    """Give a verdict (`approval`, `denial`), or end it (`revocation`)."""
    return client.post(f"/v1/grants/{grant_id}/{what}", json={"reason": reason})


@dataclass
class NewEntries:
    """What a chain gains while something is done."""

    world: World
    account_id: str | None = ASKING
    _before: int = field(init=False)

    def __post_init__(self) -> None:
        self._before = len(self.world.ledger(self.account_id))

    def __call__(self) -> list[LedgerEntry]:
        """The entries since then."""
        return self.world.ledger(self.account_id)[self._before :]

    def told(self) -> list[tuple[str, str, str | None]]:
        """Of each its action, outcome and reason."""
        return [(entry.action, entry.outcome, entry.reason) for entry in self()]
