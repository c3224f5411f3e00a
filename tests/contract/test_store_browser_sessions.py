"""Browsers' sessions and attempts to sign in: taken once, ended for good, gone by themselves."""

from __future__ import annotations

import secrets
import threading
import time
from dataclasses import replace
from datetime import timedelta

import pytest

from broker.domain.identifiers import EngineerId
from broker.domain.identity.browser_sessions import ATTEMPT_LASTS, BrowserSession, SignInAttempt
from broker.errors import DependencyUnavailable
from broker.store import Store
from broker.store.browser_sessions import ATTEMPT
from broker.store.keyspace import Keyspace
from tests.contract.store_samples import NOW

HOUR = timedelta(hours=1)
MOMENT = timedelta(milliseconds=1)


def an_attempt() -> SignInAttempt:
    """Somebody is on the way to the provider."""
    return SignInAttempt(digest=secrets.token_hex(32), return_to="/a?b=c", begun_at=NOW)


def a_session() -> BrowserSession:
    """Somebody is signed in."""
    return BrowserSession(
        digest=secrets.token_hex(32),
        subject=EngineerId("jane@vendor.example"),
        groups=("support", 'Größe, [x] "y"'),
        signed_in_at=NOW,
        last_seen_at=NOW,
    )


def gone(store: Store, digest: str) -> bool:
    """Whether the session is gone within a moment."""
    deadline = time.monotonic() + 60
    while store.browser_sessions.get(digest) is not None:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.005)
    return True


def test_an_attempt_is_taken_once(store: Store) -> None:
    """By one of however many ask for it at the same moment."""
    attempt, barrier, got = an_attempt(), threading.Barrier(8), []
    store.browser_sessions.begin(attempt)

    def take() -> None:
        barrier.wait()
        got.append(store.browser_sessions.take(attempt.digest))

    threads = [threading.Thread(target=take) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [each for each in got if each is not None] == [attempt]
    assert len(got) == 8


def test_an_attempt_nobody_made(store: Store) -> None:
    """Is none."""
    assert store.browser_sessions.take("0" * 64) is None


def test_an_attempt_ends_by_itself(store: Store) -> None:
    """The server drops it after the time that it lasts."""
    attempt = an_attempt()
    store.browser_sessions.begin(attempt)
    left = _left(store, _keyspace(store).sign_in_attempt(attempt.digest))
    assert ATTEMPT_LASTS - timedelta(seconds=10) < left <= ATTEMPT_LASTS


def test_a_session_comes_back_as_it_was_written(store: Store) -> None:
    """With whatever stands in a group's name."""
    session = a_session()
    store.browser_sessions.open(session, lasts=HOUR)
    assert store.browser_sessions.get(session.digest) == session
    assert store.browser_sessions.get("0" * 64) is None


def test_a_prolonged_session_lasts_longer(store: Store) -> None:
    """And says when it was seen last."""
    session = a_session()
    store.browser_sessions.open(session, lasts=HOUR)
    seen = replace(session, last_seen_at=NOW + HOUR)
    store.browser_sessions.prolong(seen, lasts=HOUR * 3)
    assert store.browser_sessions.get(session.digest) == seen
    assert _left(store, _keyspace(store).browser_session(session.digest)) > HOUR * 2


def test_a_session_ends_by_itself(store: Store) -> None:
    """Also one whose end has come already when it is written."""
    for lasts in (MOMENT, timedelta(), -HOUR):
        session = a_session()
        store.browser_sessions.open(session, lasts=lasts)
        assert gone(store, session.digest)


def test_what_has_ended_by_itself_is_not_prolonged(store: Store) -> None:
    """A request that was slow does not bring it back."""
    session = a_session()
    store.browser_sessions.open(session, lasts=MOMENT)
    assert gone(store, session.digest)
    store.browser_sessions.prolong(session, lasts=HOUR)
    assert store.browser_sessions.get(session.digest) is None


def test_a_session_that_was_signed_out_of_stays_so(store: Store) -> None:
    """Whatever a request under way writes after it: before the end, after it, or in between."""
    session = a_session()
    store.browser_sessions.open(session, lasts=HOUR)
    store.browser_sessions.end(session, lasts=HOUR)
    ended = replace(session, signed_out=True)
    assert store.browser_sessions.get(session.digest) == ended
    store.browser_sessions.prolong(session, lasts=HOUR)
    assert store.browser_sessions.get(session.digest) == ended
    store.browser_sessions.open(session, lasts=HOUR)
    assert store.browser_sessions.get(session.digest) == ended


def test_an_end_is_forgotten_by_itself(store: Store) -> None:
    """When nobody can tell the session from one that never was."""
    session = a_session()
    store.browser_sessions.open(session, lasts=HOUR)
    store.browser_sessions.end(session, lasts=MOMENT)
    assert gone(store, session.digest)


def test_a_record_of_another_kind_is_refused(store: Store) -> None:
    """An attempt under a session's name signs nobody in: never a guess."""
    attempt = an_attempt()
    text = ATTEMPT.encode(attempt)
    store._connection.send("SET", _keyspace(store).browser_session(attempt.digest), text)
    with pytest.raises(DependencyUnavailable):
        store.browser_sessions.get(attempt.digest)


def _keyspace(store: Store) -> Keyspace:
    found: Keyspace = store.browser_sessions._keyspace  # type: ignore[attr-defined]
    return found


def _left(store: Store, key: str) -> timedelta:
    """How long the server keeps it."""
    return timedelta(milliseconds=int(store._connection.send("PTTL", key)))
