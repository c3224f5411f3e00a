"""`GET /v1/sign-in`: what a terminal must know before anybody has signed in."""

from __future__ import annotations

from dataclasses import replace

import httpx

from tests.e2e.organisation import CLI, SCOPE, WEB_SECRET
from tests.integration.api.spoiling import DOCUMENT
from tests.integration.sign_in.world import SITE, World


def asked(world: World, path: str = "/v1/sign-in", **headers: str) -> httpx.Response:
    """The answer to whoever asks."""
    with httpx.Client(transport=world.transport, base_url=SITE) as client:
        return client.get(path, headers=headers)


def test_everybody_is_told_where_to_sign_in(world: World) -> None:
    """Without a credential, and with a wrong one; it holds no secret and counts as no guess."""
    before = len(world.ledger())
    for headers in ({}, {"Authorization": "Bearer brk_000000000000_00"}):
        answer = asked(world, **headers)
        assert answer.status_code == 200
        assert answer.json() == {
            "issuer": world.provider.issuer,
            "client_id": CLI,
            "scope": SCOPE,
        }
        assert WEB_SECRET not in answer.text
    assert len(world.ledger()) == before


def test_without_a_client_for_terminals_the_answer_says_what_to_do(world: World) -> None:
    """404 with a code of its own, and the way out."""
    world.services = replace(world.services, terminal_client=None)
    answer = asked(world)
    assert (answer.status_code, answer.json()["code"]) == (404, "sign_in_not_configured")
    assert "BROKER_TOKEN" in answer.json()["detail"]
    assert "BROKER_OIDC_CLI_CLIENT_ID" in answer.json()["detail"]


def test_it_takes_nothing_but_its_address(world: World) -> None:
    """As everywhere: what is not understood is refused, not passed over."""
    assert asked(world, "/v1/sign-in?issuer=https://evil.example").status_code == 400


def test_openapi_says_that_it_is_open() -> None:
    """No security scheme there, unlike everywhere else."""
    open_to_all = [
        path
        for path, operations in DOCUMENT["paths"].items()
        for operation in operations.values()
        if operation.get("security") == []
    ]
    assert open_to_all == ["/v1/sign-in"]
