"""What AWS fetches of each account's issuer before it believes a token."""

from __future__ import annotations

from typing import Any

import httpx

from broker.cli.demo.stage import Customer
from broker.cli.demo.steps import Step, Steps
from broker.cli.demo.world import World


def steps(world: World) -> Steps:
    """Discovery names the issuer exactly, the keys may be cached, and nobody shares a key."""
    for customer in (world.account, world.other):
        yield _discovery(customer)
    yield from _keys(world.account)
    shared = _kids(world.account) & _kids(world.other)
    yield Step(
        title="the two issuers have no key in common",
        expected="0 keys shared",
        got=f"{len(shared)} keys shared",
        detail=", ".join(sorted(shared)),
    )


def _discovery(customer: Customer) -> Step:
    issuer = customer.account["issuer"]
    document = _fetch(f"{issuer}/.well-known/openid-configuration").json()
    return Step(
        title=f"{customer.account['customer']}: discovery names the trusted issuer",
        expected="the same issuer",
        got="the same issuer" if document["issuer"] == issuer else "another issuer",
        detail=f"{document['issuer']} instead of {issuer}",
    )


def _keys(customer: Customer) -> Steps:
    answer = _fetch(f"{customer.account['issuer']}/jwks.json")
    yield Step(
        title="the keys may be cached, so AWS need not ask each time",
        expected="public, max-age=3600",
        got=answer.headers["Cache-Control"],
    )
    states = {key["kid"]: key["state"] for key in customer.account["keys"]}
    yield Step(
        title="one key signs, and the next one is published ahead",
        expected="active, published",
        got=", ".join(sorted(states.get(key["kid"], "unknown") for key in answer.json()["keys"])),
    )


def _kids(customer: Customer) -> set[str]:
    jwks: dict[str, list[dict[str, Any]]] = _fetch(f"{customer.account['issuer']}/jwks.json").json()
    return {key["kid"] for key in jwks["keys"]}


def _fetch(url: str) -> httpx.Response:
    return httpx.get(url, trust_env=False).raise_for_status()
