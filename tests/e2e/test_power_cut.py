"""`kill -9` of the broker and of its store, in the middle of work.

What was answered is kept, what was not is not half there, and what was begun can be finished.
"""

from __future__ import annotations

import itertools
import os
import signal
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from redis import Redis

from broker.cli.demo.stage import UNHURRIED, Stage, free_port
from tests.e2e.chains import check_chain, read_chain
from tests.e2e.wire import RecordingWire
from tests.e2e.world import ENGINEER, TICKET, Callers, Person

ACCOUNT = "444455556666"
REQUESTS, AT_ONCE = 100, 16
PATIENCE = 120.0
BEFORE_THE_CUT = 25
"""How many of the requests are answered when the power goes."""

Answer = httpx.Response | None
"""None where the connection broke."""


@dataclass(frozen=True)
class Site:
    """A stage whose power may be cut."""

    stage: Stage
    wire: RecordingWire
    console: Person
    engineer: Person
    auditor: Person
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(500000000001))

    @property
    def store(self) -> Path:
        """The folder of the embedded store."""
        return self.stage.folder / "store"

    def open_session(self, account_id: str = ACCOUNT) -> Answer:
        """The answer to one request for a session, on a connection of its own."""
        body = {"account_id": account_id, "ticket": TICKET}
        try:
            with self.stage.client(self.engineer.api_token) as client:
                return client.post("/v1/sessions", json=body)
        except httpx.TransportError:
            return None

    def write_ticket(self, *account_ids: str) -> None:
        """The one ticket, open for these accounts."""
        body = {"account_ids": list(account_ids), "status": "open"}
        self.console.ask("PUT", f"/v1/tickets/{TICKET}", body)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A small stage of its own: nobody else should sit in the dark."""
    folder = tmp_path_factory.mktemp("power")
    with ExitStack() as stack:
        sandbox_port = free_port()
        wire = stack.enter_context(RecordingWire(to_port=sandbox_port))
        # What a broker that is killed leaves in its temporary folder goes with the tests' own.
        settings = {"BROKER_AWS_ENDPOINT_URL": wire.url, "TMPDIR": str(folder)}
        settings |= UNHURRIED
        stage = stack.enter_context(Stage(folder, sandbox_port=sandbox_port, settings=settings))
        callers = Callers.on(stage, stack)
        console = callers.person("console", "console")
        engineer, auditor = callers.person(ENGINEER, "engineer"), callers.person("aud", "auditor")
        site = Site(stage, wire, console, engineer, auditor)
        stage.onboard(console.http, ACCOUNT)
        site.write_ticket(ACCOUNT)
        yield site


def many_sessions(site: Site, *, cut: Callable[[], None]) -> list[Answer]:
    """The answers to many requests at once; `cut` happens when some have been answered."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        asked: list[Future[Answer]] = [pool.submit(site.open_session) for _ in range(REQUESTS)]
        for number, _ in enumerate(as_completed(asked), start=1):
            if number == BEFORE_THE_CUT:
                cut()
        return [future.result() for future in asked]


def check_what_is_kept(site: Site, answers: list[Answer]) -> None:
    """Every answered session is recorded, every record has its entry, every chain verifies."""
    opened = [answer.json() for answer in answers if answer is not None and answer.is_success]
    chain = read_chain(site.auditor.http, ACCOUNT)
    check_chain(chain)
    check_chain(read_chain(site.auditor.http, None))
    done = {
        entry["ids"]["session"]: entry["ids"]["access_key"]
        for entry in chain
        if (entry["action"], entry["outcome"]) == ("session.opened", "done")
    }
    recorded = {session["id"]: session["access_key_id"] for session in sessions(site)}
    assert recorded == done
    given = {answer["session"]["id"]: answer["credentials"]["access_key_id"] for answer in opened}
    assert given.items() <= done.items()
    intended = {entry["ids"].get("session") for entry in chain if entry["outcome"] == "intended"}
    assert done.keys() <= intended


def check_sessions_are_given(site: Site, account_id: str = ACCOUNT) -> None:
    """The site does its main job."""
    answer = site.open_session(account_id)
    assert answer is not None
    assert answer.status_code == 201, answer.text


def sessions(site: Site) -> list[Mapping[str, Any]]:
    """The record of every session in the account."""
    found: list[Mapping[str, Any]] = []
    query = {"account_id": ACCOUNT, "limit": "200"}
    while True:
        page = site.auditor.http.get("/v1/sessions", params=query).raise_for_status().json()
        found += page["items"]
        if page["next"] is None:
            return found
        query["cursor"] = page["next"]


def kill_store(site: Site) -> None:
    """Kill the embedded server, as the kernel would for want of memory."""
    with Redis(unix_socket_path=str(site.store / "store.sock")) as redis:
        process: int = redis.info("server")["process_id"]
    os.kill(process, signal.SIGKILL)


def test_a_broker_and_a_store_killed_at_work_forget_nothing_they_answered(site: Site) -> None:
    """Both are killed under load, at once; started again, they know every answered session."""

    def cut() -> None:
        site.stage.kill_broker()
        kill_store(site)

    answers = many_sessions(site, cut=cut)
    assert None in answers, "the power went too late to interrupt anything"
    site.stage.start_broker()
    check_what_is_kept(site, answers)
    check_sessions_are_given(site)


def test_a_store_killed_under_a_running_broker_is_started_again(site: Site) -> None:
    """The broker goes on: it answers with sessions or says that it cannot, and loses none."""
    answers = many_sessions(site, cut=lambda: kill_store(site))
    assert None not in answers
    statuses = {answer.status_code for answer in answers if answer is not None}
    assert statuses <= {201, 503}
    check_what_is_kept(site, answers)
    check_sessions_are_given(site)


@pytest.mark.parametrize(
    "action",
    ["CreateOpenIDConnectProvider", "CreateRole", "AttachRolePolicy", "AssumeRoleWithWebIdentity"],
)
def test_a_provisioning_that_was_cut_short_is_finished(site: Site, action: str) -> None:
    """Killed when AWS has done a step and before the broker knows, it carries on from there."""
    account_id = str(next(site.numbers))
    registration = {"account_id": account_id, "customer": "Cut short"}
    account = site.console.ask("POST", "/v1/accounts", registration)
    site.stage.sandbox.create_account(account_id)
    site.stage.create_stack(account)
    cut = site.wire.interrupt(action, site.stage.kill_broker)
    path = f"/v1/accounts/{account_id}/reconciliation"
    with pytest.raises(httpx.TransportError):
        site.console.http.post(path)
    assert cut.wait(PATIENCE)
    site.stage.start_broker()
    let_leases_end(site)
    finished = site.console.ask("POST", path)
    assert (finished["state"], finished["last_error"]) == ("active", None)
    check_chain(read_chain(site.auditor.http, account_id))
    site.write_ticket(ACCOUNT, account_id)
    check_sessions_are_given(site, account_id)


def let_leases_end(site: Site) -> None:
    """Let the time pass for which a dead broker still holds its accounts.

    On a busy machine the next one may have taken longer to start than that.
    """
    with Redis(unix_socket_path=str(site.store / "store.sock")) as redis:
        for lease in redis.scan_iter("*:lease:*"):
            redis.delete(lease)
