"""Promise 7: AWS always finds the keys; and without a ledger nobody gets credentials.

The stage has a store that can be killed, and it is: store, STS and KMS all go.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from broker.cli.demo.stage import Stage
from tests.contract.store_servers import (
    PERSISTENT,
    RunningServer,
    on_loopback,
    redis_server_binary,
)
from tests.e2e.world import ENGINEER, TICKET, Callers, Person

ACCOUNT = "333344445555"


@dataclass(frozen=True)
class Ruin:
    """What is left of a stage whose store and AWS are gone, and what was answered before."""

    stage: Stage
    engineer: Person
    account: Mapping[str, Any]
    before: Mapping[str, httpx.Response]

    def fetch(self, name: str, **headers: str) -> httpx.Response:
        """One of the issuer's documents, on a connection of its own."""
        return fetched(self.account["issuer"], name, **headers)


DISCOVERY, JWKS = ".well-known/openid-configuration", "jwks.json"


def fetched(issuer: str, name: str, **headers: str) -> httpx.Response:
    """A document of the issuer, as AWS fetches it."""
    return httpx.get(f"{issuer}/{name}", headers=headers, trust_env=False)


@pytest.fixture(scope="module")
def ruin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ruin]:
    """One worker, so that what was fetched before and after comes from the same memory."""
    folder = tmp_path_factory.mktemp("outage")
    with ExitStack() as stack:
        server = stack.enter_context(_store(folder))
        settings = {"BROKER_STORE_URL": server.url, "BROKER_WORKERS": "1"}
        stage = stack.enter_context(Stage(folder / "stage", settings=settings))
        callers = Callers.on(stage, stack)
        console = callers.person("console", "console")
        engineer = callers.person(ENGINEER, "engineer")
        issuer = stage.onboard(console.http, ACCOUNT).account["issuer"]
        ticket = {"account_ids": [ACCOUNT], "status": "open"}
        console.ask("PUT", f"/v1/tickets/{TICKET}", ticket)
        engineer.ask("POST", "/v1/sessions", {"account_id": ACCOUNT, "ticket": TICKET})
        before = {name: fetched(issuer, name) for name in (DISCOVERY, JWKS)}
        account = console.ask("GET", f"/v1/accounts/{ACCOUNT}")
        server.kill()
        stage.sandbox.stop()
        yield Ruin(stage, engineer, account, before)


def _store(folder: Path) -> AbstractContextManager[RunningServer]:
    own = folder / "redis"
    own.mkdir()
    return on_loopback(own, binary=redis_server_binary(), options=PERSISTENT)


@pytest.mark.parametrize("name", [DISCOVERY, JWKS])
def test_the_documents_are_served_without_store_and_kms(ruin: Ruin, name: str) -> None:
    """The same bytes as before, cacheable for at least five minutes."""
    answer = ruin.fetch(name)
    assert answer.status_code == 200
    assert answer.content == ruin.before[name].content
    assert answer.headers["ETag"] == ruin.before[name].headers["ETag"]
    public, age = answer.headers["Cache-Control"].split(", ")
    assert public == "public"
    assert int(age.removeprefix("max-age=")) >= 300


def test_the_keys_are_all_there(ruin: Ruin) -> None:
    """Every key of the account is found, the staged one too, and nothing private in it."""
    keys = ruin.fetch(JWKS).json()["keys"]
    assert {key["kid"] for key in keys} == {key["kid"] for key in ruin.account["keys"]}
    assert {name for key in keys for name in key} == {"kty", "use", "alg", "kid", "crv", "x", "y"}


def test_a_document_that_has_not_changed_is_not_sent_again(ruin: Ruin) -> None:
    """304 without a body, on the strength of the entity tag alone."""
    answer = ruin.fetch(JWKS, **{"If-None-Match": ruin.before[JWKS].headers["ETag"]})
    assert (answer.status_code, answer.content) == (304, b"")


def test_no_credentials_are_given_without_a_ledger(ruin: Ruin) -> None:
    """The answer is a problem that says to try again; nothing else comes with it."""
    body = {"account_id": ACCOUNT, "ticket": TICKET}
    answer = ruin.engineer.http.post("/v1/sessions", json=body)
    assert answer.status_code == 503
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.headers["Retry-After"]
    assert answer.json()["code"] == "store_unavailable"
    assert "credentials" not in answer.text


def test_an_unknown_issuer_is_not_denied_while_nobody_can_look(ruin: Ruin) -> None:
    """AWS is told to come again: it might be an issuer that another worker has registered."""
    unknown = ruin.account["issuer"].rpartition("/")[0] + "/" + "0" * 32
    answer = fetched(unknown, JWKS)
    assert answer.status_code == 503
    assert answer.headers["Cache-Control"] == "no-store"


def test_the_broker_says_what_it_lacks(ruin: Ruin) -> None:
    """It is alive and not ready, and names the store."""
    alive = httpx.get(f"{ruin.stage.url}/healthz", trust_env=False)
    ready = httpx.get(f"{ruin.stage.url}/readyz", trust_env=False)
    assert (alive.status_code, ready.status_code) == (200, 503)
    assert "The store does not answer." in ready.json()["missing"]
