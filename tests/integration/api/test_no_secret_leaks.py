"""A secret that is sent, and every secret that is given out, is found nowhere afterwards."""

from __future__ import annotations

import io
import json
import logging
import re
import secrets
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import httpx
import jwt
import pytest

from broker import logs
from broker.domain.ledger.checkpoints import TYP as CHECKPOINT
from broker.domain.ports import WebIdentityExchange
from broker.domain.sessions import Credentials
from tests.integration.api.samples import ENDPOINTS, SAMPLES, address
from tests.integration.api.test_broken_http import parsed, received
from tests.integration.api.world import ACCOUNT, ENGINEER, IN_A_MONTH, OTHER, TICKET, World, pages
from tests.json_web_signatures import holds_jws

CANARY = f"cAnArY{secrets.token_hex(12)}"
HEADERS = (
    "Authorization",
    "Cookie",
    "Expect",
    "Forwarded",
    "Idempotency-Key",
    "If-Match",
    "If-None-Match",
    "Proxy-Authorization",
    "Referer",
    "User-Agent",
    "X-Api-Key",
    "X-Forwarded-For",
    "X-Request-Id",
)
"""Headers in which secrets travel, on purpose or by mistake."""


def places(world: World) -> dict[str, str]:
    """Everything that is kept or said: the log, the ledgers, the store and the files under it."""
    folder = world.stage.folder
    lists = {
        path: json.dumps(list(pages(world.inside("admin"), path, limit=200)))
        for path in ("/v1/accounts", "/v1/tickets", "/v1/sessions", "/v1/tokens", "/v1/ledger")
    }
    files = {
        str(file.relative_to(folder)): file.read_bytes().decode("utf-8", "replace")
        for file in folder.rglob("*")
        if file.is_file() and not file.is_socket()
    }
    chains = {account_id: repr(world.ledger(account_id)) for account_id in (ACCOUNT, OTHER)}
    metrics = httpx.get(f"{world.stage.url}/metrics", trust_env=False).text
    return {"the store": repr(world.dump()), "/metrics": metrics, **lists, **files, **chains}


def assert_nowhere(world: World, *found: str) -> None:
    """None of these stands in any place."""
    for place, text in places(world).items():
        for secret in found:
            assert secret not in text, f"a secret stands in {place}"


def assert_log_works(world: World) -> None:
    """So that looking into the log means something."""
    lines = world.stage.log.read_text().splitlines()
    assert all(isinstance(json.loads(line), dict) for line in lines)
    events = {json.loads(line)["event"] for line in lines}
    assert {"request", "identity_token_exchanged"} <= events


@pytest.mark.parametrize("header", HEADERS)
def test_a_secret_in_a_header(world: World, header: str) -> None:
    """Whether the request is answered or refused, and whatever the header is for."""
    values = (f"Bearer {CANARY}", CANARY, f'"{CANARY}"', f"session={CANARY}; a={CANARY}")
    for value in values:
        for caller in (ENGINEER, "console", "other-customer"):
            client = world.over_http(caller)
            for method, path, body in (
                ("GET", f"/v1/accounts/{ACCOUNT}", None),
                ("POST", "/v1/sessions", {"account_id": ACCOUNT, "ticket": TICKET}),
                ("PATCH", f"/v1/accounts/{ACCOUNT}", {"payer": True, "consent": "off"}),
                ("GET", "/oidc/x/jwks.json", None),
                ("GET", "/nothing", None),
            ):
                answer = client.request(method, path, json=body, headers={header: value})
                assert CANARY not in answer.text
                assert CANARY not in str(answer.headers)
    assert_nowhere(world, CANARY)


@pytest.mark.parametrize("name", [name for name in SAMPLES if ENDPOINTS[name].body])
def test_a_secret_in_a_body_that_is_refused(world: World, name: str) -> None:
    """As a value that does not fit, in a member that is not known, as the name of one."""
    client, sample = world.over_http(SAMPLES[name].caller), SAMPLES[name]
    bodies: list[Any] = [CANARY, [CANARY], {CANARY: CANARY}, {**sample.body, "secret": CANARY}]
    for member in sample.body:
        bodies += [
            {**sample.body, member: value}
            for value in (f"{CANARY}\n", {"secret": CANARY}, [CANARY, 1], f"{CANARY} " * 100)
        ]
    for body in bodies:
        answer = client.request(ENDPOINTS[name].method, address(name), json=body)
        assert answer.status_code == 400
        named_after_it = body == {CANARY: CANARY}
        assert CANARY not in answer.text or named_after_it
    broken = json.dumps({**sample.body, "secret": CANARY}).encode()[:-1]
    for headers in ({"Content-Type": "application/json"}, {"Content-Type": CANARY}):
        answer = client.request(
            ENDPOINTS[name].method, address(name), content=broken, headers=headers
        )
        assert answer.status_code == 400
        assert CANARY not in answer.text
    assert_nowhere(world, CANARY)


def test_a_secret_in_an_address(world: World) -> None:
    """In the path, in the query, as the name of a parameter, in an unknown address."""
    client = world.over_http("admin")
    for name, sample in SAMPLES.items():
        for parameter in sample.path:
            path = address(name, **{parameter: f"{CANARY}!"})
            answer = client.request(ENDPOINTS[name].method, path, json=sample.body)
            assert answer.status_code == 400
            assert CANARY not in answer.text
        for query in ({"token": CANARY}, {"cursor": CANARY}, {"limit": CANARY}):
            answer = client.request(
                ENDPOINTS[name].method, address(name), json=sample.body, params=query
            )
            assert answer.status_code == 400
            assert CANARY not in answer.text
    for path in (f"/{CANARY}", f"/v1/tickets/x/{CANARY}", f"/oidc/{CANARY}/jwks.json"):
        answer = client.get(path, params={"token": CANARY})
        assert answer.status_code == 404
        assert CANARY not in answer.text
    assert_nowhere(world, CANARY)


@pytest.mark.parametrize(
    "sent",
    [
        b"GET /v1/me HTTP/1.1\r\nHost: x\r\nAuthorization : Bearer %b\r\n\r\n",
        b"GET /v1/me HTTP/1.1\r\nHost: x\r\n%b\r\n\r\n",
        b"GET /v1/me HTTP/1.1\r\nHost: x\r\nExpect: %b\r\n\r\n",
        b"GET /%b\r\n\r\n",
        b"%b /v1/me HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /v1/me HTTP/%b\r\nHost: x\r\n\r\n",
        b"GET /v1/me HTTP/1.1\r\nHost: x\r\nContent-Length: %b\r\n\r\n",
        b"GET /v1/me HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: %b\r\n\r\n",
    ],
)
def test_a_secret_in_what_is_not_http(world: World, sent: bytes) -> None:
    """What never becomes a request is neither answered nor logged in its own words."""
    answer = received(world, sent % CANARY.encode())
    assert parsed(answer).status_code in (400, 417)
    assert CANARY.encode() not in answer
    assert_nowhere(world, CANARY)


def test_a_secret_in_free_text_is_not_logged(world: World) -> None:
    """What people write into a reason or a subject is kept as the record that it is, no more.

    So this secret is one of its own: others look into the store for theirs.
    """
    secret = f"cAnArY{secrets.token_hex(12)}"
    text = f"my password is {secret}"
    world.write_ticket("CASE-TEXT", ACCOUNT, subject=text)
    assert world.session(world.over_http(ENGINEER), reason=text).status_code == 201
    refused = world.session(world.over_http(ENGINEER), reason=text, ticket="NONE-1")
    assert secret not in refused.text
    assert secret not in world.stage.log.read_text()


@dataclass
class Listening:
    """An exchange that remembers the identity tokens and the credentials that went through it."""

    behind: WebIdentityExchange
    heard: list[str] = field(default_factory=list)

    def exchange(self, *, identity_token: str, **asked: Any) -> Credentials:
        self.heard.append(identity_token)
        given = self.behind.exchange(identity_token=identity_token, **asked)
        self.heard += [given.secret_access_key, given.session_token]
        return given


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """The log of the broker in this process, at its most talkative, as production writes it."""
    root = logging.getLogger()
    kept = (root.handlers, root.level, sys.stderr)
    written = io.StringIO()
    sys.stderr = written
    logs.configure("debug")
    yield written
    root.handlers, root.level, sys.stderr = kept


def test_what_is_given_out_is_kept_nowhere(world: World, log: io.StringIO) -> None:
    """Identity tokens, credentials and API tokens: only who asked for them has them."""
    services = world.services
    listening = Listening(services.open_session.exchange)
    within = replace(
        services,
        open_session=replace(services.open_session, exchange=listening),
        reconcile=replace(
            services.reconcile,
            canaries=replace(services.reconcile.canaries, exchange=listening),
        ),
    )
    with world.inside_of(within, ENGINEER) as client:
        assert world.session(client).status_code == 201
        assert world.session(client, access="case", services=["support"]).status_code == 201
    with world.inside_of(within, "console") as client:
        assert client.post(f"/v1/accounts/{ACCOUNT}/reconciliation").json()["state"] == "active"
    assert len(listening.heard) > 10
    assert "identity_token_exchanged" in log.getvalue()

    over_http = world.session(world.over_http(ENGINEER)).json()["credentials"]
    made = world.over_http("admin").post(
        "/v1/tokens",
        json={"subject": "x1", "roles": ["auditor"], "expires_at": IN_A_MONTH},
        headers={"Idempotency-Key": secrets.token_hex(8)},
    )
    given = [
        *listening.heard,
        over_http["secret_access_key"],
        over_http["session_token"],
        made.json()["secret"],
        made.json()["secret"].rsplit("_", 1)[1],
        *world.secrets.values(),
        *(secret.rsplit("_", 1)[1] for secret in world.secrets.values()),
        world.stage.environment["AWS_SECRET_ACCESS_KEY"],
    ]
    assert_nowhere(world, *given)
    for secret in given:
        assert secret not in log.getvalue()
    assert_log_works(world)


def test_no_identity_token_of_any_kind_is_kept(world: World) -> None:
    """Whatever else went on in this world: nothing that looks like one is anywhere.

    But for the signed heads of ledgers, which are made to be shown to everybody.
    """
    for place, text in places(world).items():
        assert place == "broker.log" or not holds_jws(without_checkpoints(text)), place
    assert not holds_jws(world.stage.log.read_text())


def without_checkpoints(text: str) -> str:
    """The text without each JWS whose header says that it is a checkpoint."""

    def kept(found: re.Match[str]) -> str:
        is_checkpoint = jwt.get_unverified_header(found[0]).get("typ") == CHECKPOINT
        return "" if is_checkpoint else found[0]

    return re.sub(r"eyJ[\w-]+\.eyJ[\w-]+\.[\w-]+", kept, text)


def test_values_that_hold_secrets_do_not_print_them(world: World) -> None:
    """repr() of what carries a secret on its way through the broker."""
    credentials = world.session(world.inside(ENGINEER)).json()["credentials"]
    held = Credentials(**{**credentials, "expiration": "2099-01-01T00:00:00Z"})
    assert credentials["secret_access_key"] not in repr(held)
    assert credentials["session_token"] not in repr(held)
    settings_text = repr(world.services)
    for secret in world.secrets.values():
        assert secret not in settings_text
