"""What stands in a customer's account after its stack was created and reconciled."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from broker.cli.demo.stage import NAME_PREFIX, Customer
from broker.cli.demo.steps import Play, Step, Steps, together
from broker.cli.demo.world import World
from broker.domain.identity.permissions import Role

_ROLES = f"length(Roles[?starts_with(RoleName, '{NAME_PREFIX}-Support-')])"
_PROVIDERS = "length(OpenIDConnectProviderList)"


def steps(world: World) -> Steps:
    """Both accounts are active; what was made there, the customer sees with their own keys."""
    customers = (world.account, world.other)
    yield from map(_state, customers)
    yield from together(*(play for customer in customers for play in _made(world, customer)))
    yield from (_canaries(world, customer) for customer in customers)


def _state(customer: Customer) -> Step:
    account = customer.account
    return Step(
        title=f"{account['customer']} made the stack, the broker did the rest",
        expected="active",
        got=account["state"],
        detail=str(account["last_error"]),
    )


def _made(world: World, customer: Customer) -> tuple[Play, Play]:
    aws = world.aws(customer.administrator.environment())
    name = customer.account["customer"]
    return (
        aws.step(
            f"{name} sees the identity provider (aws iam)",
            f'iam list-open-id-connect-providers --query "{_PROVIDERS}"',
            expected="1 provider",
            reading=lambda text: f"{text.strip()} provider",
        ),
        aws.step(
            f"{name} sees the support roles (aws iam)",
            f'iam list-roles --query "{_ROLES}"',
            expected="2 roles",
            reading=lambda text: f"{text.strip()} roles",
        ),
    )


def _canaries(world: World, customer: Customer) -> Step:
    """Each role took one good token and refused the eight spoilt ones."""
    entries = world.ledger(Role.AUDITOR, account_id=customer.account["account_id"])
    canaries = next(
        entry
        for entry in entries
        if entry["action"] == "account.canary" and entry["outcome"] != "intended"
    )
    return Step(
        title=f"{customer.account['customer']}: AWS was tried with canary tokens",
        expected="2 accepted, 16 refused",
        got=_tally(canaries["details"]),
        detail=f"failed: {canaries['details']['failed']}",
    )


def _tally(details: Mapping[str, Any]) -> str:
    failed = [line.rsplit(": ", 1)[0] for line in details["failed"]]
    passed = [name for name in details["ran"] if name not in failed]
    accepted = sum(name.endswith("a good token") for name in passed)
    return f"{accepted} accepted, {len(passed) - accepted} refused"
