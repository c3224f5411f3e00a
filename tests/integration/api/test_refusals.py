"""Every reason for which no session opens has its code, its sentence and its ledger entry."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import httpx
import pytest

from broker import settings
from broker.cli.demo.stage import Stage, free_port
from broker.domain.identity.permissions import Role
from broker.domain.ledger.entries import LedgerEntry
from broker.domain.ports import WebIdentityExchange
from broker.domain.sessions import Credentials
from broker.web.metrics import Metrics
from broker.wiring import Services, build
from tests.integration.api.world import (
    ACCOUNT,
    ASKING,
    ENGINEER,
    NOWHERE,
    OTHER,
    TICKET,
    UNREADY,
    World,
    assert_problem,
    client_of,
    pages,
)

QUIET, EMPTIED = "121212121212", "343434343434"
"""An account whose customer switches access off; one whose customer deletes the role."""


@pytest.fixture(scope="module", autouse=True)
def _more_accounts(world: World) -> None:
    for account_id in (QUIET, EMPTIED):
        world.customers[account_id] = world.stage.onboard(
            world.over_http("console"), account_id, consent="standing"
        )
    world.add_caller("quiet-customer", Role.CUSTOMER, accounts=(QUIET,))
    world.write_ticket("CASE-MORE", QUIET, EMPTIED)
    world.write_ticket("CASE-CLOSED", ACCOUNT, status="closed")
    world.write_ticket("CASE-OTHER", OTHER)
    world.write_ticket("CASE-TAKEN", ACCOUNT, assignees=["bea@vendor.example"])


@dataclass
class Watched:
    """What the ledgers and the sessions gained while a session was asked for."""

    world: World
    account_id: str | None
    _before: int = field(init=False)
    _sessions: list[Any] = field(init=False)

    def __post_init__(self) -> None:
        self._before = len(self.world.ledger(self.account_id))
        self._sessions = self._all_sessions()

    def _all_sessions(self) -> list[Any]:
        return list(pages(self.world.inside("admin"), "/v1/sessions", limit=200))

    def new_entries(self) -> list[LedgerEntry]:
        """What was added to the chain; no session may have come with it."""
        assert self._all_sessions() == self._sessions
        return self.world.ledger(self.account_id)[self._before :]


REFUSED: dict[str, tuple[int, str, dict[str, Any], str | None]] = {
    "no such ticket": (403, "ticket_not_found", {"ticket": "CASE-NONE"}, ACCOUNT),
    "a closed ticket": (403, "ticket_closed", {"ticket": "CASE-CLOSED"}, ACCOUNT),
    "another's ticket": (403, "ticket_not_for_account", {"ticket": "CASE-OTHER"}, ACCOUNT),
    "not assigned": (403, "not_assigned", {"ticket": "CASE-TAKEN"}, ACCOUNT),
    "no grant": (403, "grant_required", {"account_id": ASKING}, ASKING),
    "an unknown grant": (403, "grant_required", {"grant_id": "gr-" + "0" * 20}, ACCOUNT),
    "too long": (403, "duration_too_long", {"duration_seconds": 14401}, ACCOUNT),
    "not ready": (403, "account_not_active", {"account_id": UNREADY}, UNREADY),
    "no such account": (404, "not_found", {"account_id": NOWHERE}, None),
    "for somebody else": (403, "forbidden", {"on_behalf_of": "bea@vendor.example"}, None),
}


@pytest.mark.parametrize("why", REFUSED)
def test_a_refusal_has_its_code_and_its_entry(world: World, why: str) -> None:
    """In the account's chain, unless there is none or the caller has no business there."""
    status, code, asked, chain = REFUSED[why]
    watched = Watched(world, chain)
    answer = world.session(world.over_http(ENGINEER), **asked)
    problem = assert_problem(answer, status, code)
    (entry,) = watched.new_entries()
    assert (entry.action, entry.outcome, entry.reason) == ("session.opened", "refused", code)
    assert entry.actor == ENGINEER
    assert entry.ids["request"] == problem["request_id"]
    assert entry.ids["account"] == asked.get("account_id", ACCOUNT)
    assert entry.ids["ticket"] == asked.get("ticket", TICKET)


def test_a_role_that_opens_no_sessions_is_forbidden(world: World) -> None:
    """Not even an admin; and the broker's own chain has it."""
    watched = Watched(world, None)
    assert_problem(world.session(world.over_http("admin")), 403, "forbidden")
    assert [entry.reason for entry in watched.new_entries()] == ["forbidden"]


def test_nobody_leaves_no_entry(world: World) -> None:
    """Who is not known cannot fill the ledger."""
    before = world.state()
    with httpx.Client(base_url=world.stage.url, trust_env=False) as nobody:
        assert_problem(world.session(nobody), 401, "unauthenticated")
    assert world.state() == before


def test_a_grant_that_has_ended_is_named(world: World, services: Services) -> None:
    """13 hours later; the answer and the entry say which grant it was."""
    asked = {"account_id": QUIET, "ticket": "CASE-MORE"}
    opened = world.session(world.inside(ENGINEER), **asked)
    grant_id = opened.json()["session"]["grant_id"]
    later = replace(services.open_session, clock=lambda: datetime.now(UTC) + timedelta(hours=13))
    watched = Watched(world, QUIET)
    with world.inside_of(replace(services, open_session=later), ENGINEER) as client:
        answer = world.session(client, grant_id=grant_id, **asked)
    assert assert_problem(answer, 403, "grant_expired")["grant_id"] == grant_id
    (entry,) = watched.new_entries()
    assert (entry.reason, entry.ids["grant"]) == ("grant_expired", grant_id)


def test_a_customer_switches_access_off_and_on(world: World) -> None:
    """Consent `off` stops new sessions at once, on every process."""
    customer = world.over_http("quiet-customer")
    asked = {"account_id": QUIET, "ticket": "CASE-MORE"}
    assert world.session(world.over_http(ENGINEER), **asked).status_code == 201
    assert customer.patch(f"/v1/accounts/{QUIET}", json={"consent": "off"}).is_success
    for client in (world.over_http(ENGINEER), world.inside(ENGINEER)):
        watched = Watched(world, QUIET)
        assert_problem(world.session(client, **asked), 403, "consent_off")
        assert [entry.reason for entry in watched.new_entries()] == ["consent_off"]
    assert customer.patch(f"/v1/accounts/{QUIET}", json={"consent": "per_grant"}).is_success
    # What standing consent granted ended with it: now the customer is asked for each access.
    assert_problem(world.session(world.inside(ENGINEER), **asked), 403, "grant_required")
    other = world.session(world.inside(ENGINEER), access="case", **asked)
    assert_problem(other, 403, "grant_required")


def delete_read_role(world: World, account_id: str) -> None:
    """What a customer may do at any time."""
    keys = world.customers[account_id].administrator
    iam = boto3.client(
        "iam",
        region_name="us-east-1",
        endpoint_url=world.stage.sandbox.url,
        aws_access_key_id=keys.access_key_id,
        aws_secret_access_key=keys.secret_access_key,
    )
    name = "Acme-Support-ReadOnly"
    for policy in iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]:
        iam.detach_role_policy(RoleName=name, PolicyArn=policy["PolicyArn"])
    for policy_name in iam.list_role_policies(RoleName=name)["PolicyNames"]:
        iam.delete_role_policy(RoleName=name, PolicyName=policy_name)
    iam.delete_role(RoleName=name)


def assert_failed(watched: Watched, problem: dict[str, Any]) -> None:
    """The intent, and that it failed, in the account's chain under this request's id."""
    entries = [entry for entry in watched.new_entries() if entry.action == "session.opened"]
    assert [entry.outcome for entry in entries] == ["intended", "failed"]
    assert entries[1].reason == problem["code"]
    assert {entry.ids["request"] for entry in entries} == {problem["request_id"]}
    assert "arn:" not in str(problem) + str(entries)


def test_a_role_that_the_customer_deleted(world: World) -> None:
    """AWS refuses, and says nothing of its own to the caller."""
    delete_read_role(world, EMPTIED)
    watched = Watched(world, EMPTIED)
    answer = world.session(world.over_http(ENGINEER), account_id=EMPTIED, ticket="CASE-MORE")
    assert_failed(watched, assert_problem(answer, 502, "refused_by_aws"))


def test_an_issuer_that_aws_cannot_reach(world: World) -> None:
    """The broker under gunicorn, which serves the issuers, is gone; the other one asks."""
    world.stage.stop_broker()
    try:
        watched = Watched(world, ACCOUNT)
        answer = world.session(world.inside(ENGINEER))
        assert_failed(watched, assert_problem(answer, 502, "issuer_unreachable_from_aws"))
    finally:
        world.stage.start_broker()


@contextmanager
def another_broker(stage: Stage, **changed: str) -> Iterator[Services]:
    """A third broker, with other settings."""
    with pytest.MonkeyPatch.context() as environment:
        for name, value in stage.environment.items():
            if name.startswith("AWS_"):
                environment.setenv(name, value)
        built = build(settings.load({**stage.environment, **changed}), Metrics())
    with closing(built):
        yield built


def test_aws_is_not_there(world: World, stage: Stage) -> None:
    """503 within seconds, with Retry-After; for KMS, and where only STS is gone."""
    nowhere = f"http://127.0.0.1:{free_port()}"
    with another_broker(stage, BROKER_AWS_ENDPOINT_URL=nowhere) as lost:
        without_sts = replace(
            world.services,
            open_session=replace(world.services.open_session, exchange=lost.open_session.exchange),
        )
        for services in (lost, without_sts):
            watched = Watched(world, ACCOUNT)
            with world.inside_of(services, ENGINEER) as client:
                began = time.monotonic()
                answer = world.session(client)
                assert time.monotonic() - began < 8
            assert int(answer.headers["Retry-After"]) >= 1
            assert_failed(watched, assert_problem(answer, 503, "aws_unavailable"))


@dataclass(frozen=True)
class ThenTheStoreTakesNoMore:
    """An exchange right after which the store stops taking writes; remembers what AWS gave."""

    behind: WebIdentityExchange
    world: World
    given: list[Credentials] = field(default_factory=list)

    def exchange(self, **asked: Any) -> Credentials:
        self.given.append(self.behind.exchange(**asked))
        refuse_writes(self.world)
        return self.given[-1]


def refuse_writes(world: World) -> None:
    """The server answers, but takes nothing: it wants a replica that it does not have."""
    world.redis.config_set("min-replicas-to-write", 1)


@pytest.fixture
def _writable_again(world: World) -> Iterator[None]:
    yield
    world.redis.config_set("min-replicas-to-write", 0)


def assert_not_written(answer: httpx.Response) -> None:
    """Looking for grants tidies them up, so it may be that which fails first."""
    code = answer.json()["code"]
    assert code in ("ledger_unavailable", "store_unavailable")
    assert_problem(answer, 503, code)


@pytest.mark.usefixtures("_writable_again")
def test_without_a_ledger_nothing_is_begun(world: World) -> None:
    """The intent cannot be recorded: 503, and AWS is not even asked."""
    watched = Watched(world, ACCOUNT)
    exchange = ThenTheStoreTakesNoMore(world.services.open_session.exchange, world)
    asked = replace(world.services.open_session, exchange=exchange)
    refuse_writes(world)
    with world.inside_of(replace(world.services, open_session=asked), ENGINEER) as client:
        assert_not_written(world.session(client))
    assert not exchange.given
    assert watched.new_entries() == []
    assert_not_written(world.session(world.over_http(ENGINEER)))
    ticket = {"account_ids": [ACCOUNT], "status": "closed"}
    answer = world.over_http("console").put(f"/v1/tickets/{TICKET}", json=ticket)
    assert_problem(answer, 503, "ledger_unavailable")
    world.redis.config_set("min-replicas-to-write", 0)
    assert world.session(world.over_http(ENGINEER)).status_code == 201


@pytest.mark.usefixtures("_writable_again")
def test_without_a_ledger_no_credentials_are_handed_out(world: World) -> None:
    """AWS gave them, but that they were given cannot be recorded: nobody gets them."""
    watched = Watched(world, ACCOUNT)
    exchange = ThenTheStoreTakesNoMore(world.services.open_session.exchange, world)
    asked = replace(world.services.open_session, exchange=exchange)
    with world.inside_of(replace(world.services, open_session=asked), ENGINEER) as client:
        answer = world.session(client)
    assert_problem(answer, 503, "ledger_unavailable")
    (given,) = exchange.given
    for secret in (given.access_key_id, given.secret_access_key, given.session_token):
        assert secret not in answer.text
    world.redis.config_set("min-replicas-to-write", 0)
    entries = [entry for entry in watched.new_entries() if entry.action == "session.opened"]
    assert [entry.outcome for entry in entries] == ["intended"]


def test_without_a_store_nobody_is_known(world: World, stage: Stage) -> None:
    """503 at once for everything; /healthz answers, /readyz says what is missing."""
    gone = f"redis://127.0.0.1:{free_port()}"
    with (
        another_broker(stage, BROKER_STORE_URL=gone) as lost,
        client_of(lost, world.secrets[ENGINEER]) as client,
    ):
        began = time.monotonic()
        assert_problem(world.session(client), 503, "store_unavailable")
        assert_problem(client.get("/v1/me"), 503, "store_unavailable")
        ready = client.get("/readyz")
        assert ready.status_code == 503
        assert "The store does not answer." in ready.json()["missing"]
        assert client.get("/healthz").status_code == 200
        assert_problem(client.get(f"/oidc/{'0' * 32}/jwks.json"), 503, "store_unavailable")
        assert time.monotonic() - began < 5


def test_a_refused_change_is_no_entry(world: World) -> None:
    """stale_version: nothing was done, so nothing is told."""
    watched = Watched(world, ACCOUNT)
    answer = world.over_http("admin").patch(
        f"/v1/accounts/{ACCOUNT}", json={"payer": True}, headers={"If-Match": '"0"'}
    )
    assert_problem(answer, 409, "stale_version")
    assert watched.new_entries() == []
