"""The way into the AWS console: for whom it is made, when it is not, and that it works once."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from broker.aws.clients import AwsLocation
from broker.aws.signin import FederatedConsole
from broker.domain.console import ConsolePage, ConsoleUrl, SessionKeys
from broker.domain.identity.permissions import Role
from broker.domain.ledger.entries import Chain, Event, LedgerAction, LedgerEntry, Outcome
from broker.domain.ports import ConsoleSignIn, Journal
from broker.errors import LedgerUnavailable
from broker.http.outbound import Outbound
from broker.services.access.console import Console
from broker.services.bulkhead import Bulkhead
from tests.integration.api.granting import NewEntries
from tests.integration.api.test_no_secret_leaks import assert_nowhere
from tests.integration.api.world import ACCOUNT, ENGINEER, OTHER, World, answered, assert_problem
from tests.unit.aws.listening import Listener, listening

TICKET = "CASE-CONSOLE"
COLLEAGUE = "con@vendor.example"
MADE = LedgerAction.CONSOLE_URL_MADE.value


@dataclass(frozen=True)
class Opened:
    """A session of the engineer, as they were answered."""

    session: dict[str, Any]
    credentials: dict[str, Any]

    @property
    def path(self) -> str:
        return f"/v1/sessions/{self.session['id']}/console-url"

    def body(self, **members: Any) -> dict[str, Any]:
        return {"credentials": self.credentials, **members}


@pytest.fixture(scope="module", autouse=True)
def _somebody_else(world: World) -> None:
    world.write_ticket(TICKET, ACCOUNT, OTHER)
    world.add_caller(COLLEAGUE, Role.ENGINEER)


def open_session(world: World, subject: str = ENGINEER, **members: Any) -> Opened:
    answer = world.session(world.inside(subject), ticket=TICKET, **members)
    return Opened(**answered(answer, 201))


@pytest.fixture
def opened(world: World) -> Opened:
    return open_session(world)


@pytest.fixture
def entries(world: World, opened: Opened) -> NewEntries:  # noqa: ARG001 - only after it
    """What the account's chain gains after the session was opened."""
    return NewEntries(world, ACCOUNT)


def follow(url: str) -> httpx.Response:
    """What a browser is answered that is led there."""
    return httpx.get(url, trust_env=False)


def with_console(
    world: World, change: Callable[[Console], Console], subject: str = ENGINEER
) -> httpx.Client:
    """A client of a broker whose console is changed."""
    within = replace(world.services, console=change(world.services.console))
    return world.inside_of(within, subject)


def test_the_url_signs_in_as_the_session_once(
    world: World, opened: Opened, entries: NewEntries
) -> None:
    """The page names session and destination; whoever follows it again is refused."""
    body = opened.body(destination="ec2", region="eu-west-1")
    made = answered(world.over_http(ENGINEER).post(opened.path, json=body), 200)
    assert made.keys() == {"url", "expires_in"}
    assert made["expires_in"] == 900
    query = parse_qs(urlsplit(made["url"]).query)
    assert query["Issuer"] == [world.stage.url]
    page = follow(made["url"])
    assert page.status_code == 200
    role = opened.session["role_arn"].rpartition("/")[2]
    name = opened.session["role_session_name"]
    assert f"arn:aws:sts::{ACCOUNT}:assumed-role/{role}/{name}" in page.text
    assert "https://eu-west-1.console.aws.amazon.com/ec2/home?region=eu-west-1" in page.text
    assert follow(made["url"]).status_code == 400
    [entry] = entries()
    assert (entry.action, entry.outcome, entry.actor) == (MADE, "done", ENGINEER)
    assert entry.ids["session"] == opened.session["id"]
    assert entry.ids["access_key"] == opened.credentials["access_key_id"]
    assert (entry.details["service"], entry.details["region"]) == ("ec2", "eu-west-1")


def test_a_session_and_its_url_in_one(world: World) -> None:
    """201 with the session and the URL, and the credentials nowhere in the answer."""
    entries = NewEntries(world, ACCOUNT)
    asked = {"account_id": ACCOUNT, "ticket": TICKET, "reason": "to look", "services": ["s3"]}
    answer = world.over_http(ENGINEER).post("/v1/console-url", json={**asked, "destination": "s3"})
    made = answered(answer, 201)
    assert made.keys() == {"session", "url", "expires_in"}
    assert made["session"]["services"] == ["s3"]
    page = follow(made["url"])
    assert made["session"]["role_session_name"] in page.text
    assert "https://us-east-1.console.aws.amazon.com/s3/home?region=us-east-1" in page.text
    told = [(action, outcome) for action, outcome, _ in entries.told()]
    assert told[-3:] == [("session.opened", "intended"), ("session.opened", "done"), (MADE, "done")]


def test_without_a_destination_it_is_the_home_page(world: World, opened: Opened) -> None:
    """`expiration` may come along with the credentials or not."""
    credentials = {
        name: value for name, value in opened.credentials.items() if name != "expiration"
    }
    answer = world.inside(ENGINEER).post(opened.path, json={"credentials": credentials})
    assert "/console/home?region=us-east-1" in follow(answered(answer, 200)["url"]).text


def test_a_console_asks_for_an_engineer(world: World, entries: NewEntries) -> None:
    """It has the credentials of the sessions that it opened; others it has not."""
    opened = open_session(world, "console", on_behalf_of=COLLEAGUE)
    made = answered(world.inside("console").post(opened.path, json=opened.body()), 200)
    assert follow(made["url"]).is_success
    asked = {"account_id": ACCOUNT, "ticket": TICKET, "on_behalf_of": COLLEAGUE}
    made = answered(world.inside("console").post("/v1/console-url", json=asked), 201)
    assert made["session"]["engineer"] == COLLEAGUE
    assert {entry.actor for entry in entries()} == {"console"}


def test_a_session_of_somebody_else_is_not_known(
    world: World, opened: Opened, entries: NewEntries
) -> None:
    """404 whatever they hold of it; a stranger lengthens the broker's chain, not the account's."""
    broker = NewEntries(world, None)
    nowhere = f"/v1/sessions/s-{'0' * 20}/console-url"
    for path in (opened.path, nowhere):
        answer = world.inside(COLLEAGUE).post(path, json=opened.body())
        assert_problem(answer, 404, "not_found")
    assert broker.told() == [("access.refused", "refused", "not_found")] * 2
    assert entries() == []
    forbidden = world.inside("auditor").post(opened.path, json=opened.body())
    assert_problem(forbidden, 403, "forbidden")


def refused(world: World, opened: Opened, entries: NewEntries, code: str, **options: Any) -> None:
    """The request is refused with this code, and the account's chain says so."""
    client = options.get("client") or world.inside(ENGINEER)
    answer = client.post(opened.path, json=options.get("body") or opened.body())
    assert_problem(answer, 403, code)
    assert entries.told()[-1] == (MADE, "refused", code)
    assert "url" not in answer.json()


def test_keys_of_another_session_are_refused(
    world: World, opened: Opened, entries: NewEntries
) -> None:
    """Of the engineer's other session, and of somebody else's in another account."""
    others = (open_session(world), open_session(world, COLLEAGUE, account_id=OTHER))
    for other in others:
        code = "credentials_of_another_session"
        refused(world, opened, entries, code, body=other.body())


def test_a_revoked_session_is_refused(world: World, opened: Opened, entries: NewEntries) -> None:
    """The console would refuse everything; it is told here already."""
    path = f"/v1/sessions/{opened.session['id']}"
    world.inside(ENGINEER).delete(path).raise_for_status()
    refused(world, opened, entries, "session_revoked")


def test_an_expired_session_is_refused(world: World, opened: Opened, entries: NewEntries) -> None:
    """By our own clock, before AWS is asked."""
    later = datetime.now(UTC) + timedelta(hours=1)
    with with_console(world, lambda console: replace(console, clock=lambda: later)) as client:
        refused(world, opened, entries, "session_expired", client=client)


@pytest.mark.parametrize("member", ["secret_access_key", "session_token"])
def test_wrong_secrets_are_aws_to_refuse(
    world: World, opened: Opened, entries: NewEntries, member: str
) -> None:
    """We have kept none, so AWS says it, and we say it in our own words."""
    wrong = {**opened.credentials, member: "x" + opened.credentials[member][1:]}
    answer = world.inside(ENGINEER).post(opened.path, json={"credentials": wrong})
    assert_problem(answer, 502, "refused_by_aws")
    assert entries.told() == [(MADE, "failed", "refused_by_aws")]


@pytest.mark.parametrize("region", ["us-moon-1", "cn-north-1", "us-gov-west-1"])
def test_a_region_of_no_or_another_partition(world: World, opened: Opened, region: str) -> None:
    """400 that names the field, and no session is opened for it."""
    entries = NewEntries(world, ACCOUNT)
    asked = {"account_id": ACCOUNT, "ticket": TICKET, "region": region}
    for path, body in (("/v1/console-url", asked), (opened.path, opened.body(region=region))):
        problem = assert_problem(
            world.inside(ENGINEER).post(path, json=body), 400, "invalid_request"
        )
        assert [each["field"] for each in problem["errors"]] == ["region"]
    assert entries() == []


@pytest.mark.parametrize(
    "destination", ["https://evil.example/", "//evil.example", "ec2/../../x", "ec2?x", "@evil", ""]
)
def test_a_destination_is_a_service_and_nothing_else(
    world: World, opened: Opened, destination: str
) -> None:
    """No address of anybody's choosing gets into the URL."""
    body = opened.body(destination=destination)
    problem = assert_problem(
        world.inside(ENGINEER).post(opened.path, json=body), 400, "invalid_request"
    )
    assert [each["field"] for each in problem["errors"]] == ["destination"]


def test_refusals_of_sessions_are_those_of_opening_one(world: World) -> None:
    """Everything that stands in a session's way stands in the console's."""
    client = world.inside(ENGINEER)
    asked = {"account_id": ACCOUNT, "ticket": "CASE-NONE"}
    answer = client.post("/v1/console-url", json=asked)
    assert_problem(answer, 403, "ticket_not_found")
    for_other = {**asked, "ticket": TICKET, "on_behalf_of": COLLEAGUE}
    assert_problem(client.post("/v1/console-url", json=for_other), 403, "forbidden")


@pytest.mark.parametrize("path", ["/v1/console-url", None])
def test_a_url_is_answered_once(world: World, opened: Opened, path: str | None) -> None:
    """Asking again with the same Idempotency-Key gives no second one."""
    headers = {"Idempotency-Key": f"console-{opened.session['id']}"}
    body = opened.body() if path is None else {"account_id": ACCOUNT, "ticket": TICKET}
    client = world.over_http(ENGINEER)
    assert client.post(path or opened.path, json=body, headers=headers).is_success
    again = client.post(path or opened.path, json=body, headers=headers)
    assert_problem(again, 409, "already_answered")


def test_it_counts_like_a_session(world: World, opened: Opened) -> None:
    """Whoever may open no more sessions gets no more URLs either."""

    def one_place(console: Console) -> Console:
        limits = replace(console.limiter.limits, per_caller=type(limit).parse("1/3600"))
        return replace(console, limiter=replace(console.limiter, limits=limits))

    limit = world.services.console.limiter.limits.per_caller
    with with_console(world, one_place) as client:
        answer = client.post(opened.path, json=opened.body())
    assert_problem(answer, 429, "rate_limited")


def test_whoever_finds_no_place_has_begun_nothing(world: World) -> None:
    """So that asking again is safe: no session was opened for a URL that nobody got."""
    entries = NewEntries(world, ACCOUNT)
    full = Bulkhead(1)

    def crowded(console: Console) -> Console:
        return replace(console, bulkhead=full)

    asked = {"account_id": ACCOUNT, "ticket": TICKET}
    with full.place(), with_console(world, crowded) as client:
        assert_problem(client.post("/v1/console-url", json=asked), 503, "too_busy")
    assert entries() == []


@pytest.fixture
def aws() -> Iterator[Listener]:
    """What answers in the place of AWS's sign-in."""
    with listening() as listener:
        yield listener


def at(endpoint_url: str) -> Callable[[Console], Console]:
    """A console that signs in there."""
    sign_in = FederatedConsole(
        Outbound(endpoint_url=None),
        location=AwsLocation(region="us-east-1"),
        issuer="https://broker.vendor.example",
        endpoint_url=endpoint_url,
    )
    return lambda console: replace(console, sign_in=sign_in)


@pytest.mark.parametrize(
    ("status", "body", "expected", "code"),
    [
        (400, b"cAnArY arn:aws:iam::1", 502, "refused_by_aws"),
        (302, b"cAnArY", 502, "refused_by_aws"),
        (200, b"cAnArY", 502, "refused_by_aws"),
        (200, b'{"SigninToken": ["cAnArY"]}', 502, "refused_by_aws"),
        (503, b"cAnArY", 503, "aws_unavailable"),
        (429, b"cAnArY", 503, "aws_unavailable"),
        (200, b"cAnArY" * 20_000, 503, "aws_unavailable"),
    ],
)
def test_aws_fails_or_answers_oddly(
    world: World,
    opened: Opened,
    entries: NewEntries,
    aws: Listener,
    status: int,
    body: bytes,
    expected: int,
    code: str,
) -> None:
    """Told apart by what may pass and what not, in our words, and in the ledger."""
    aws.status, aws.body = status, body
    with with_console(world, at(aws.url)) as client:
        answer = client.post(opened.path, json=opened.body())
    assert_problem(answer, expected, code)
    assert "cAnArY" not in answer.text
    assert entries.told() == [(MADE, "failed", code)]


def test_aws_does_not_answer_at_all(world: World, opened: Opened, entries: NewEntries) -> None:
    """Nobody waits longer than the limits of outbound requests; then it is 503."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        endpoint_url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with with_console(world, at(endpoint_url)) as client:
            answer = client.post(opened.path, json=opened.body())
    assert_problem(answer, 503, "aws_unavailable")
    assert entries.told() == [(MADE, "failed", "aws_unavailable")]


@dataclass(frozen=True)
class Meanwhile:
    """A sign-in during which something else happens."""

    behind: ConsoleSignIn
    happens: Callable[[], object]
    origins: tuple[str, ...] = ()

    def address(self, page: ConsolePage) -> str:
        return self.behind.address(page)

    def sign_in_url(self, keys: SessionKeys, address: str) -> ConsoleUrl:
        made = self.behind.sign_in_url(keys, address)
        self.happens()
        return made


def test_a_session_that_ends_meanwhile_leads_nowhere(
    world: World, opened: Opened, entries: NewEntries
) -> None:
    """The URL is there, and nobody gets it."""

    def revoke() -> None:
        world.inside(ENGINEER).delete(f"/v1/sessions/{opened.session['id']}").raise_for_status()

    def racing(console: Console) -> Console:
        return replace(console, sign_in=Meanwhile(console.sign_in, revoke))

    with with_console(world, racing) as client:
        refused(world, opened, entries, "session_revoked", client=client)
    assert (MADE, "done", None) not in entries.told()


@dataclass(frozen=True)
class Deaf:
    """A journal that takes no word of URLs that were made."""

    behind: Journal

    def record(self, chain: Chain, *events: Event, **options: Any) -> tuple[LedgerEntry, ...]:
        if any(event.action.value == MADE and event.outcome is Outcome.DONE for event in events):
            raise LedgerUnavailable("The ledger is gone.")
        return self.behind.record(chain, *events, **options)


def test_no_ledger_no_url(world: World, opened: Opened) -> None:
    """What cannot be written down is not handed out."""

    def deaf(console: Console) -> Console:
        return replace(console, journal=cast("Journal", Deaf(console.journal)))

    with with_console(world, deaf) as client:
        answer = client.post(opened.path, json=opened.body())
    problem = assert_problem(answer, 503, "ledger_unavailable")
    assert "SigninToken" not in json.dumps(problem)


def test_nothing_of_it_is_kept_or_logged(world: World, opened: Opened) -> None:
    """Neither the URL nor its token nor what was sent for it, in the store, a log or a ledger."""
    client = world.over_http(ENGINEER)
    url = answered(client.post(opened.path, json=opened.body()), 200)["url"]
    wrong = opened.body()
    wrong["credentials"] = {**opened.credentials, "secret_access_key": "cAnArY" * 5}
    assert_problem(client.post(opened.path, json=wrong), 502, "refused_by_aws")
    token = re.search(r"SigninToken=([^&]+)", url)
    assert token
    secrets = (opened.credentials["secret_access_key"], opened.credentials["session_token"])
    assert_nowhere(world, url, token[1], "cAnArY" * 5, *secrets)
