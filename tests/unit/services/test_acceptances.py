"""What is remembered of accepted credentials: told to the store once a minute, beside requests."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest

from broker.domain.ports import Acceptance
from broker.services.identity import acceptances as module
from broker.services.identity.acceptances import RECENT, Acceptances

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
NEVER = 3600.0


class Kept:
    """A repository in memory."""

    def __init__(self):
        self.told = []
        self.heard = threading.Event()

    def keep(self, acceptances):
        self.told.append(list(acceptances))
        self.heard.set()

    def knows(self, fingerprint):
        return any(each.fingerprint == fingerprint for told in self.told for each in told)


class Clock:
    """A clock that stands."""

    now = NOW

    def __call__(self):
        return self.now


@pytest.fixture
def kept():
    return Kept()


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def acceptances(kept, clock):
    made = Acceptances(kept=kept, clock=clock, pause=NEVER)
    yield made
    made.flush()


def test_the_store_is_told_once_a_minute_of_a_credential(acceptances, kept, clock):
    """However often it is used in between."""
    for _ in range(100):
        acceptances.note("one", api_token_id="a")
    clock.now = NOW + RECENT - timedelta(milliseconds=1)
    acceptances.note("one", api_token_id="a")
    acceptances.note("two", api_token_id=None)
    acceptances.flush()
    later = clock.now
    clock.now = NOW + RECENT
    acceptances.note("one", api_token_id="a")
    acceptances.flush()
    assert kept.told == [
        [Acceptance("one", "a", NOW), Acceptance("two", None, later)],
        [Acceptance("one", "a", NOW + RECENT)],
    ]


def test_recent_is_a_minute_in_this_process(acceptances, clock):
    """And a clock that was set back makes nothing recent for longer."""
    assert not acceptances.is_recent("one")
    acceptances.note("one", api_token_id=None)
    assert acceptances.is_recent("one")
    assert not acceptances.is_recent("two")
    clock.now = NOW + RECENT
    assert not acceptances.is_recent("one")
    clock.now = NOW - timedelta(seconds=1)
    assert not acceptances.is_recent("one")


def test_it_is_told_by_itself_after_the_pause(kept, clock):
    """In a thread of its own: the request that was accepted is long answered."""
    acceptances = Acceptances(kept=kept, clock=clock, pause=0.01)
    for fingerprint in ("one", "two"):
        kept.heard.clear()
        acceptances.note(fingerprint, api_token_id=None)
        assert kept.heard.wait(10)
    assert kept.knows("one")
    assert kept.knows("two")


def test_what_was_told_is_not_told_again(acceptances, kept):
    acceptances.note("one", api_token_id=None)
    acceptances.flush()
    acceptances.flush()
    assert [each.fingerprint for told in kept.told for each in told] == ["one"]


def test_memory_is_bounded(acceptances, monkeypatch):
    """A flood of credentials makes it forget, which costs a look into the store, and no more."""
    monkeypatch.setattr(module, "_MOST", 3)
    for number in range(7):
        acceptances.note(str(number), api_token_id=None)
    assert len(acceptances._recent) <= 3
    assert acceptances.is_recent("6")
