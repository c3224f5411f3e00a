"""Asking again with the same Idempotency-Key: the first answer, one effect, no secret twice."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import httpx
import pytest

from broker.services.access.open_session import OpenSession
from broker.wiring import Services
from tests.integration.api.parallel import at_once
from tests.integration.api.world import (
    ACCOUNT,
    ENGINEER,
    IN_A_MONTH,
    TICKET,
    World,
    assert_problem,
)

Request = tuple[str, str, dict[str, Any] | None]


def a_key() -> dict[str, str]:
    """The header with a key that nobody used."""
    return {"Idempotency-Key": secrets.token_urlsafe(24)}


def an_account_id() -> str:
    return f"3{secrets.randbelow(10**11):011}"


def an_old_token(world: World) -> Request:
    made = {"subject": "old", "roles": ["auditor"], "expires_at": IN_A_MONTH}
    token = world.inside("admin").post("/v1/tokens", json=made).json()
    return "DELETE", f"/v1/tokens/{token['id']}", None


WRITES: dict[str, Callable[[World], Request]] = {
    "register": lambda _: (
        "POST",
        "/v1/accounts",
        {"account_id": an_account_id(), "customer": "x"},
    ),
    "change": lambda _: ("PATCH", f"/v1/accounts/{ACCOUNT}", {"payer": False}),
    "reconcile": lambda _: ("POST", f"/v1/accounts/{ACCOUNT}/reconciliation", None),
    "ticket": lambda _: ("PUT", "/v1/tickets/AGAIN", {"account_ids": [], "status": "open"}),
    "revoke": an_old_token,
}
CHANGED: dict[str, dict[str, Any]] = {
    "register": {"customer": "y"},
    "change": {"payer": True},
    "ticket": {"subject": "y"},
}
"""How a body may differ from that of the write."""

SESSION: Request = ("POST", "/v1/sessions", {"account_id": ACCOUNT, "ticket": TICKET})
TOKEN: Request = (
    "POST",
    "/v1/tokens",
    {"subject": "svc", "roles": ["auditor"], "expires_at": IN_A_MONTH},
)


def send(client: httpx.Client, request: Request, headers: dict[str, str]) -> httpx.Response:
    method, path, body = request
    return client.request(method, path, json=body, headers=headers)


@pytest.mark.parametrize("write", WRITES)
def test_the_same_request_again_gets_the_first_answer(world: World, write: str) -> None:
    """Status and body as the first time, on whichever process, and nothing is written."""
    request, key = WRITES[write](world), a_key()
    first = send(world.over_http("admin"), request, key)
    assert first.is_success, first.text
    before = world.state()
    for client in (world.over_http("admin"), world.inside("admin")):
        again = send(client, request, key)
        assert (again.status_code, again.content) == (first.status_code, first.content)
        assert again.headers["Cache-Control"] == "no-store"
        assert again.headers["X-Request-Id"] != first.headers["X-Request-Id"]
    assert world.state() == before


@pytest.mark.parametrize("write", WRITES)
def test_the_key_is_for_that_request_only(world: World, write: str) -> None:
    """Another body, address or method with the same key: 409, and nothing is written."""
    request, key = WRITES[write](world), a_key()
    method, path, body = request
    assert send(world.over_http("admin"), request, key).is_success
    before = world.state()
    others: list[Request] = [WRITES["register"](world), ("DELETE", f"/v1/tokens/{'0' * 12}", None)]
    if body is not None:
        others.append((method, path, {**body, **CHANGED[write]}))
    for other in others:
        answer = send(world.over_http("admin"), other, key)
        assert_problem(answer, 409, "idempotency_key_reused")
    assert world.state() == before


@pytest.mark.parametrize(("caller", "request_"), [(ENGINEER, SESSION), ("admin", TOKEN)])
def test_a_secret_is_answered_once(world: World, caller: str, request_: Request) -> None:
    """Credentials and API tokens are not kept, so they cannot be given again."""
    key = a_key()
    first = send(world.over_http(caller), request_, key)
    assert first.status_code == 201
    before = world.state()
    again = send(world.over_http(caller), request_, key)
    assert_problem(again, 409, "already_answered")
    assert world.state() == before


@pytest.mark.parametrize(
    ("caller", "request_"), [(ENGINEER, SESSION), ("admin", TOKEN), ("admin", None)]
)
def test_of_requests_at_the_same_moment_one_has_an_effect(
    world: World, caller: str, request_: Request | None
) -> None:
    """One is answered; the others learn that it was, or is being, answered, or get its answer."""
    request = request_ or WRITES["register"](world)
    key = a_key()
    client = world.over_http(caller)
    ledgers = (None, ACCOUNT)
    before = {chain: len(world.ledger(chain)) for chain in ledgers}
    answers = at_once([lambda: send(client, request, key)] * 12)
    codes = Counter(
        answer.status_code if answer.is_success else answer.json()["code"] for answer in answers
    )
    assert codes.keys() <= {201, "already_answered", "request_in_progress"}
    bodies = {answer.content for answer in answers if answer.is_success}
    assert len(bodies) == 1
    new = [entry for chain in ledgers for entry in world.ledger(chain)[before[chain] :]]
    if request is SESSION:
        assert codes[201] == 1
        assert [entry.outcome for entry in new if entry.action == "session.opened"] == [
            "intended",
            "done",
        ]
    elif request is TOKEN:
        assert codes[201] == 1
        assert [entry.action for entry in new] == ["api_token.created"]
    else:
        account_id = request[2]["account_id"]
        done = [entry.action for entry in world.ledger(account_id) if entry.outcome == "done"]
        assert done == ["account.registered", "key.staged", "key.activated", "key.staged"]
    late = send(client, request, key)
    assert late.content in bodies or late.json()["code"] == "already_answered"


def test_another_callers_key_is_another_key(world: World) -> None:
    """Two callers may choose the same key without knowing of each other."""
    key = a_key()
    for caller in ("console", "admin"):
        request = WRITES["register"](world)
        assert send(world.over_http(caller), request, key).status_code == 201


def test_a_refused_request_leaves_its_key_free(world: World) -> None:
    """Mended, the very same request succeeds."""
    key = a_key()
    ticket = f"LATE-{secrets.token_hex(4)}"
    request: Request = ("POST", "/v1/sessions", {"account_id": ACCOUNT, "ticket": ticket})
    engineer = world.over_http(ENGINEER)
    assert_problem(send(engineer, request, key), 403, "ticket_not_found")
    assert_problem(send(engineer, request, key), 403, "ticket_not_found")
    world.write_ticket(ticket, ACCOUNT)
    assert send(engineer, request, key).status_code == 201
    assert_problem(send(engineer, request, key), 409, "already_answered")


class Broken(OpenSession):
    """A use case with a bug in it."""

    __slots__ = ()

    def __call__(self, *_: object) -> Any:
        raise LookupError("nobody thought of this")


def test_an_unexpected_failure_leaves_the_key_free(world: World, services: Services) -> None:
    """500 without a word of the cause, and the same request can be sent again."""
    key = a_key()
    parts = {name: getattr(services.open_session, name) for name in OpenSession.__slots__}
    with world.inside_of(replace(services, open_session=Broken(**parts)), ENGINEER) as client:
        problem = assert_problem(send(client, SESSION, key), 500, "internal_error")
    assert "nobody thought" not in str(problem)
    assert send(world.inside(ENGINEER), SESSION, key).status_code == 201


def test_reading_pays_no_attention_to_a_key(world: World) -> None:
    """Only writes are remembered."""
    key = a_key()
    admin = world.over_http("admin")
    before = world.state()
    for path in ("/v1/me", "/v1/accounts", "/v1/tickets"):
        assert admin.get(path, headers=key).is_success
    assert world.state() == before
