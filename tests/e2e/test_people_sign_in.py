"""People of an organisation work with a running broker: in a browser, and from a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import httpx
import pytest

from broker.cli.demo.stage import Customer, Stage, free_port
from tests.e2e.organisation import Browser, Provider
from tests.e2e.world import METADATA, TICKET, Callers, Person
from tests.json_web_signatures import holds_jws

ENGINEER = "jane@vendor.example"


@dataclass(frozen=True)
class Office:
    """A broker that trusts the organisation's provider, a customer, and an open ticket."""

    stage: Stage
    provider: Provider
    customer: Customer
    auditor: Person

    def visit(self, browser: Browser, path: str) -> httpx.Response:
        """Where the browser arrives."""
        return browser.visit(self.stage.url + path)

    def with_token(self, identity_token: str) -> httpx.Client:
        """A program that sends an ID token as its bearer."""
        return self.stage.client(identity_token)


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """All of it, on loopback and over plain http."""
    folder, port = tmp_path_factory.mktemp("office"), free_port()
    with ExitStack() as stack:
        callback = f"http://127.0.0.1:{port}/sign-in/callback"
        provider = stack.enter_context(Provider(callbacks=[callback]))
        settings = {"BROKER_SERVE_WORKER": "false", **provider.settings(folder / "roles.toml")}
        stage = stack.enter_context(Stage(folder / "stage", port=port, settings=settings))
        callers = Callers.on(stage, stack)
        console = callers.person("console", "console")
        customer = stage.onboard(console.http, METADATA)
        console.ask("PUT", f"/v1/tickets/{TICKET}", {"account_ids": [METADATA], "status": "open"})
        yield Office(stage, provider, customer, callers.person("auditor", "auditor"))


SESSION = {"account_id": METADATA, "ticket": TICKET, "reason": "to look", "duration_seconds": 900}


def test_an_engineer_works_from_a_terminal(office: Office) -> None:
    """Device flow at the provider, and the ID token opens a session in the engineer's name."""
    identity_token = office.provider.token_by_device_flow("jane")
    with office.with_token(identity_token) as client:
        answer = client.post("/v1/sessions", json=SESSION)
        assert answer.status_code == 201, answer.text
        assert answer.json()["session"]["engineer"] == ENGINEER
        assert client.get("/v1/accounts").is_success
        assert client.get("/v1/ledger").status_code == 403


def test_an_engineer_works_in_a_browser(office: Office) -> None:
    """The whole way there, a session in AWS, and out again; the ledger tells of each step."""
    with Browser("jane") as browser:
        me = office.visit(browser, "/sign-in?return_to=/v1/me").json()
        assert (me["subject"], me["roles"], me["signed_in_by"]) == (
            ENGINEER,
            ["engineer"],
            "browser",
        )
        page = {"X-CSRF-Token": me["csrf_token"], "Origin": office.stage.url}
        url = f"{office.stage.url}/v1/sessions"
        assert browser.http.post(url, json=SESSION).json()["code"] == "csrf_failed"
        assert browser.http.post(url, json=SESSION, headers=page).status_code == 201
        cookie = browser.http.cookies["broker-session"]
        out = browser.http.post(f"{office.stage.url}/sign-out", headers=page)
        assert out.status_code == 204
        late = httpx.get(
            f"{office.stage.url}/v1/me",
            headers={"Cookie": f"broker-session={cookie}"},
            trust_env=False,
        )
        assert (late.status_code, late.json()["reason"]) == (401, "signed_out")
    entries = office.auditor.ask("GET", "/v1/ledger?limit=200")["items"]
    told = [(entry["action"], entry["outcome"], entry["reason"]) for entry in entries]
    for step in (
        ("sign_in.done", "done", None),
        ("access.refused", "refused", "csrf_failed"),
        ("sign_in.ended", "done", None),
        ("authentication.refused", "refused", "signed_out"),
    ):
        assert step in told


def test_a_customer_sees_their_own_account_only(office: Office) -> None:
    """As the roles file binds them."""
    with Browser("carl") as browser:
        me = office.visit(browser, "/sign-in?return_to=/v1/me").json()
        assert (me["roles"], me["account_ids"]) == (["customer"], [METADATA])
        listed = browser.http.get(f"{office.stage.url}/v1/accounts").json()["items"]
        assert [account["account_id"] for account in listed] == [METADATA]
        ledger = f"{office.stage.url}/v1/ledger"
        assert browser.http.get(ledger, params={"account_id": METADATA}).is_success
        assert browser.http.get(ledger).status_code == 403


def test_no_token_and_no_secret_is_in_the_log(office: Office) -> None:
    """Whatever was sent and received while people signed in."""
    identity_token = office.provider.token_by_loopback("jane")
    with office.with_token(identity_token) as client, Browser("rob") as rob:
        assert client.get("/v1/me").is_success
        callback = office.visit(rob, "/sign-in?return_to=/secret-place")
        assert callback.status_code == 403
    log = office.stage.log.read_text()
    assert '"/sign-in/callback"' in log
    assert not holds_jws(log)
    for secret in (identity_token, "secret-place", "broker-session", "code=", "a-secret-of"):
        assert secret not in log
