"""kill -9 in the middle of the work: what was answered is true, and nothing is half-written."""

from __future__ import annotations

import os
import secrets
import signal
import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta

import httpx
import pytest

from broker.domain.ledger.entries import BROKER_CHAIN, LedgerEntry, chain_of, verify
from broker.errors import LedgerUnavailable, StoreUnavailable
from tests.integration.api.world import ACCOUNT, ENGINEER, OTHER, TICKET, World, pages

REQUESTS = 100
CALLERS_AT_ONCE = 20
ANSWERED_FIRST = 25
"""After so many answers the axe falls, with most of the others under way or to come."""

LONGEST_BLOCK = timedelta(minutes=10)
"""For how long the key of a request that died in flight may refuse its repetition."""


STORE_GONE = {StoreUnavailable.code, LedgerUnavailable.code}


@dataclass(frozen=True)
class Attempt:
    """One request for a session, and its answer if one came."""

    key: str
    account_id: str
    answer: httpx.Response | None

    @property
    def request_id(self) -> str | None:
        return None if self.answer is None else self.answer.headers["X-Request-Id"]

    @property
    def lost_the_store(self) -> bool:
        """Whether the answer was that nothing could be written down."""
        return self.answer is not None and self.answer.json().get("code") in STORE_GONE


class Storm:
    """A hundred requests for sessions, and a blow in their midst."""

    def __init__(self, world: World, blow: Callable[[], None]) -> None:
        self._world = world
        self._blow = blow
        self._answered = threading.Semaphore(0)

    def attempts(self) -> list[Attempt]:
        """All of them, whatever became of them."""
        with ThreadPoolExecutor(CALLERS_AT_ONCE + 1) as threads:
            striking = threads.submit(self._strike)
            found = list(threads.map(self._attempt, range(REQUESTS)))
            striking.result()
        return found

    def _strike(self) -> None:
        for _ in range(ANSWERED_FIRST):
            assert self._answered.acquire(timeout=60)
        self._blow()

    def _attempt(self, number: int) -> Attempt:
        key = secrets.token_hex(16)
        account_id = ACCOUNT if number % 2 else OTHER
        answer = ask(self._world, account_id, key)
        self._answered.release()
        return Attempt(key, account_id, answer)


def ask(world: World, account_id: str, key: str) -> httpx.Response | None:
    """Ask for a session; None if no answer came."""
    try:
        return world.over_http(ENGINEER).post(
            "/v1/sessions",
            json={"account_id": account_id, "ticket": TICKET},
            headers={"Idempotency-Key": key},
        )
    except httpx.TransportError:
        return None


@pytest.fixture
def broker_again(world: World) -> Iterator[None]:
    """Whatever happens, the next test has a broker."""
    yield
    if not world.stage._is_ready(world.over_http("admin")):
        world.stage.kill_broker()
        world.stage.start_broker()


def kill_store(world: World) -> None:
    """Kill the embedded server itself."""
    os.kill(world.redis.info("server")["process_id"], signal.SIGKILL)


def ledgers(world: World) -> dict[str, list[LedgerEntry]]:
    """Both accounts' chains and the broker's, each of which must verify."""
    for chain, account_id in ((chain_of(ACCOUNT), ACCOUNT), (chain_of(OTHER), OTHER)):
        verify(world.ledger(account_id), chain=chain)
    verify(world.ledger(), chain=BROKER_CHAIN)
    return {account_id: world.ledger(account_id) for account_id in (ACCOUNT, OTHER)}


def assert_answered_sessions_are_kept(world: World, attempts: list[Attempt]) -> None:
    """Every 201 can be read, and the ledger has it."""
    entries = [entry for chain in ledgers(world).values() for entry in chain]
    done = {
        (entry.ids["session"], entry.ids["request"])
        for entry in entries
        if entry.outcome == "done"
        if entry.action == "session.opened"
    }
    for attempt in attempts:
        if attempt.answer is not None and attempt.answer.status_code == 201:
            session = attempt.answer.json()["session"]
            read = world.over_http(ENGINEER).get(f"/v1/sessions/{session['id']}")
            assert read.json() == session
            assert (session["id"], attempt.request_id) in done


def assert_nothing_is_half_written(world: World, attempts: list[Attempt]) -> None:
    """Records and entries tell of the same sessions, and each intent has an end or died.

    With its process, or with the store that was to keep its end: then its caller was told so.
    """
    chains = ledgers(world)
    recorded = {
        session["id"]: session
        for session in pages(world.inside("admin"), "/v1/sessions", limit=200)
        if session["account_id"] in (ACCOUNT, OTHER)
    }
    done: Counter[str] = Counter()
    outcomes: dict[str, list[str]] = defaultdict(list)
    asked_by: dict[str, str] = {}
    for chain in chains.values():
        for entry in chain:
            if entry.action == "session.opened" and "session" in entry.ids:
                outcomes[entry.ids["session"]].append(entry.outcome)
                asked_by[entry.ids["session"]] = entry.ids["request"]
                if entry.outcome == "done":
                    done[entry.ids["session"]] += 1
                    assert recorded[entry.ids["session"]]["jti"] == entry.ids["jti"]
    assert done == Counter(recorded.keys())

    ended = {attempt.request_id for attempt in attempts if not attempt.lost_the_store} - {None}
    for session_id, steps in outcomes.items():
        assert steps in (["intended", "done"], ["intended", "failed"], ["intended"])
        if steps == ["intended"]:
            assert asked_by[session_id] not in ended
    grants = {
        entry.ids["grant"] for chain in chains.values() for entry in chain if "grant" in entry.ids
    }
    assert {session["grant_id"] for session in recorded.values()} <= grants


@pytest.mark.usefixtures("broker_again")
def test_the_broker_is_killed(world: World) -> None:
    """Every process at once, as in a power cut; the embedded store lives on or starts again."""
    attempts = Storm(world, world.stage.kill_broker).attempts()
    statuses = Counter(one.answer.status_code if one.answer else None for one in attempts)
    assert statuses[201] >= ANSWERED_FIRST
    assert statuses[None] > 0
    world.stage.start_broker()
    assert_answered_sessions_are_kept(world, attempts)
    assert_nothing_is_half_written(world, attempts)

    repeated = Counter(
        asked_again(world, attempt) for attempt in attempts if attempt.answer is None
    )
    assert repeated.keys() <= {"201", "already_answered", "request_in_progress"}
    assert_claims_lapse(world)
    assert_nothing_is_half_written(world, attempts)


def asked_again(world: World, attempt: Attempt) -> str:
    """What a request that got no answer gets when it is sent again: a status or a code."""
    answer = ask(world, attempt.account_id, attempt.key)
    assert answer is not None
    return str(answer.status_code) if answer.is_success else str(answer.json()["code"])


def assert_claims_lapse(world: World) -> None:
    """What died in flight refuses its repetition for a while, not for a day."""
    for key in world.redis.scan_iter("brk:{broker}:answer:*"):
        if world.redis.hget(key, "status") is None:
            assert 0 < world.redis.pttl(key) <= LONGEST_BLOCK / timedelta(milliseconds=1)


@pytest.mark.usefixtures("broker_again")
def test_the_embedded_store_is_killed(world: World) -> None:
    """The broker starts it again by itself; what it acknowledged before is all there."""
    first = world.redis.info("server")["run_id"]
    attempts = Storm(world, lambda: kill_store(world)).attempts()
    assert all(attempt.answer is not None for attempt in attempts)
    statuses = Counter(attempt.answer.status_code for attempt in attempts)
    assert statuses.keys() <= {201, 503}
    assert statuses[201] >= ANSWERED_FIRST
    assert world.redis.info("server")["run_id"] != first
    assert_answered_sessions_are_kept(world, attempts)
    assert_nothing_is_half_written(world, attempts)


@pytest.mark.usefixtures("broker_again")
def test_both_are_killed(world: World) -> None:
    """Broker and store at the same moment: a whole machine lost, its disk kept."""

    def blow() -> None:
        kill_store(world)
        world.stage.kill_broker()

    attempts = Storm(world, blow).attempts()
    world.stage.start_broker()
    assert_answered_sessions_are_kept(world, attempts)
    assert_nothing_is_half_written(world, attempts)
    assert ask(world, ACCOUNT, secrets.token_hex(16)).status_code == 201
