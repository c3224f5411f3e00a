"""Whoever must not come in does not, is told why, and stands in the ledger, one case each.

Everything is real: gunicorn, the organisation's provider, the browser's cookie, the sandbox.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from broker.cli.demo.stage import Stage, free_port
from broker.domain.grants import Access, Grant, GrantState
from broker.domain.identifiers import AccountId, EngineerId, GrantId, TicketId
from broker.domain.ledger.entries import Event, LedgerAction, Outcome, chain_of
from broker.domain.ports import Save
from broker.store import open_store
from tests.e2e.chains import Entry, read_chain
from tests.e2e.organisation import OTHER, Browser, Provider
from tests.e2e.world import METADATA, Callers, Person

ENGINEER = "jane@vendor.example"
OPEN, CLOSED, OTHERS = "T-OPEN", "T-CLOSED", "T-OTHERS"


@dataclass(frozen=True)
class Office:
    """A broker with everybody on it."""

    stage: Stage
    provider: Provider
    callers: Callers
    console: Person
    auditor: Person
    customer: Person
    engineer: str = field(repr=False)
    """The ID token of an engineer."""

    def ask_for_session(self, ticket: str) -> httpx.Response:
        """As the engineer, with the ID token of a terminal."""
        with self.stage.client(self.engineer) as client:
            return client.post("/v1/sessions", json={"account_id": METADATA, "ticket": ticket})

    def consent(self, word: str) -> None:
        """The customer's word."""
        self.customer.ask("PATCH", f"/v1/accounts/{METADATA}", {"consent": word})

    def read(self, credential: str) -> httpx.Response:
        """Something harmless with this credential as bearer."""
        with self.stage.client(credential) as client:
            return client.get("/v1/me")


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """One customer, three tickets."""
    folder, port = tmp_path_factory.mktemp("office"), free_port()
    with ExitStack() as stack:
        callback = f"http://127.0.0.1:{port}/sign-in/callback"
        provider = stack.enter_context(Provider(callbacks=[callback]))
        settings = {"BROKER_SERVE_WORKER": "false", **provider.settings(folder / "roles.toml")}
        stage = stack.enter_context(Stage(folder / "stage", port=port, settings=settings))
        callers = Callers.on(stage, stack)
        console = callers.person("console", "console")
        stage.onboard(console.http, METADATA)
        for ticket, said in {
            OPEN: {},
            CLOSED: {"status": "closed"},
            OTHERS: {"assignees": ["omar@vendor.example"]},
        }.items():
            body = {"account_ids": [METADATA], "status": "open", **said}
            console.ask("PUT", f"/v1/tickets/{ticket}", body)
        yield Office(
            stage=stage,
            provider=provider,
            callers=callers,
            console=console,
            auditor=callers.person("auditor", "auditor"),
            customer=callers.person("customer", "customer", account_ids=[METADATA]),
            engineer=provider.token_by_device_flow("jane"),
        )


def another_customer(office: Office) -> httpx.Response:
    other = office.callers.person("other", "customer", account_ids=["222233334444"])
    return other.http.get(f"/v1/accounts/{METADATA}")


def an_unassigned_engineer(office: Office) -> httpx.Response:
    return office.ask_for_session(OTHERS)


def a_closed_ticket(office: Office) -> httpx.Response:
    return office.ask_for_session(CLOSED)


def consent_off(office: Office) -> httpx.Response:
    office.consent("off")
    try:
        return office.ask_for_session(OPEN)
    finally:
        office.consent("standing")


def an_expired_grant(office: Office) -> httpx.Response:
    """No real grant ends within a test, so one is written that ends as it begins."""
    now = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=1)
    grant = Grant(
        grant_id=GrantId.parse(f"gr-{'e' * 20}"),
        account_id=AccountId.parse(METADATA),
        ticket_id=TicketId.parse(OPEN),
        engineer=EngineerId.parse(ENGINEER),
        access=Access.READ,
        reason="to look",
        decided=GrantState.APPROVED,
        approver="customer",
        created_at=now,
        decided_at=now,
        expires_at=now,
    )
    event = Event(actor="test", action=LedgerAction.GRANT_DECIDED, outcome=Outcome.DONE)
    with open_store(f"embedded:{office.stage.folder}/store") as store:
        store.journal.record(
            chain_of(grant.account_id), event, now=now, saves=[Save(grant, expected=0)]
        )
    office.consent("per_grant")
    while datetime.now(UTC) < now:
        time.sleep(0.05)
    try:
        return office.ask_for_session(OPEN)
    finally:
        office.consent("standing")


def a_revoked_api_token(office: Office) -> httpx.Response:
    person = office.callers.person("leaver", "engineer")
    token_id = person.api_token.split("_")[1]
    assert office.callers.admin.http.delete(f"/v1/tokens/{token_id}").status_code == 204
    return office.read(person.api_token)


def an_id_token_of_another_audience(office: Office) -> httpx.Response:
    return office.read(office.provider.token_by_device_flow("jane", client_id=OTHER))


def a_cookie_after_sign_out(office: Office) -> httpx.Response:
    url = office.stage.url
    with Browser("jane") as browser:
        me = browser.visit(f"{url}/sign-in?return_to=/v1/me").json()
        cookie = browser.http.cookies["broker-session"]
        page = {"X-CSRF-Token": me["csrf_token"], "Origin": url}
        assert browser.http.post(f"{url}/sign-out", headers=page).status_code == 204
    kept = {"Cookie": f"broker-session={cookie}"}
    return httpx.get(f"{url}/v1/me", headers=kept, trust_env=False)


CASES: Mapping[Callable[[Office], httpx.Response], tuple[int, str, str | None, str]] = {
    another_customer: (403, "forbidden", None, "forbidden"),
    an_unassigned_engineer: (403, "not_assigned", None, "not_assigned"),
    a_closed_ticket: (403, "ticket_closed", None, "ticket_closed"),
    an_expired_grant: (403, "grant_expired", None, "grant_expired"),
    consent_off: (403, "consent_off", None, "consent_off"),
    a_revoked_api_token: (401, "unauthenticated", "revoked", "api_token_revoked"),
    an_id_token_of_another_audience: (
        401,
        "unauthenticated",
        "identity_token_wrong_audience",
        "identity_token_wrong_audience",
    ),
    a_cookie_after_sign_out: (401, "unauthenticated", "signed_out", "signed_out"),
}
"""The status, the code, the finer word where several share a code, and the ledger's word.

Consent comes late: no grant from before the customer said `off` counts after it.
"""


def recorded(office: Office, answer: httpx.Response) -> list[Entry]:
    """What both chains hold of the request."""
    request_id = answer.json()["request_id"]
    chains: Any = [read_chain(office.auditor.http, where) for where in (None, METADATA)]
    return [
        entry for chain in chains for entry in chain if entry["ids"].get("request") == request_id
    ]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_it_is_refused_with_its_own_word_and_recorded(
    office: Office, case: Callable[[Office], httpx.Response]
) -> None:
    """No credentials, a reason that tells this case from every other, one entry."""
    status, code, finer, ledgers_word = CASES[case]
    answer = case(office)
    problem = answer.json()
    assert (answer.status_code, problem["code"], problem.get("reason")) == (status, code, finer)
    assert "credentials" not in answer.text
    (entry,) = recorded(office, answer)
    assert (entry["outcome"], entry["reason"]) == ("refused", ledgers_word)
    assert entry["details"]["source_address"] == "127.0.0.1"


def test_no_two_cases_look_alike() -> None:
    """Whoever reads an answer, or the ledger, can tell which it was."""
    told = [(code, finer) for _, code, finer, _ in CASES.values()]
    assert len(set(told)) == len(CASES) == len({word for *_, word in CASES.values()})
