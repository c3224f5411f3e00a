"""What is remembered of accepted credentials: where they were good, and when they were used."""

from __future__ import annotations

from datetime import datetime, timedelta

from broker.domain.ports import Acceptance
from broker.store import Store
from broker.store.api_tokens import REFRESHED, REMEMBERED
from tests.contract.store_samples import NOW

ONE, TWO = "1" * 64, "2" * 64
TOKEN = "a" * 12


def accept(
    store: Store, fingerprint: str, *, token: str | None = TOKEN, at: datetime = NOW
) -> None:
    store.acceptances.keep([Acceptance(fingerprint, token, at)])


def mark_of(store: Store, fingerprint: str) -> str:
    return str(store.acceptances._keyspace.acceptance(fingerprint))


def test_only_what_was_accepted_is_known(store: Store) -> None:
    store.acceptances.keep([])
    assert not store.acceptances.knows(ONE)
    accept(store, ONE)
    assert store.acceptances.knows(ONE)
    assert not store.acceptances.knows(TWO)


def test_it_is_known_for_a_day(store: Store) -> None:
    """And each time it is accepted, for a day from then on, give or take an hour."""
    accept(store, ONE)
    day = REMEMBERED // timedelta(milliseconds=1)
    hour = REFRESHED // timedelta(milliseconds=1)
    assert day - 5000 < store._connection.send("PTTL", mark_of(store, ONE)) <= day
    for left, written in ((day - hour + 5000, False), (day - hour - 5000, True)):
        store._connection.send("PEXPIRE", mark_of(store, ONE), left)
        accept(store, ONE)
        now_left = store._connection.send("PTTL", mark_of(store, ONE))
        assert (now_left > left) is written


def test_a_last_use_is_written_once_a_minute(store: Store) -> None:
    """However many processes tell of it; and another token's is its own."""
    assert store.api_tokens.last_uses([TOKEN]) == {}
    for seconds, noted in ((0, 0), (1, 0), (59, 0), (60, 60), (61, 60), (200, 200)):
        accept(store, ONE, at=NOW + timedelta(seconds=seconds))
        expected = NOW + timedelta(seconds=noted)
        assert store.api_tokens.last_uses([TOKEN]) == {TOKEN: expected}
    accept(store, TWO, token="b" * 12)
    uses = store.api_tokens.last_uses(["c" * 12, "b" * 12, TOKEN])
    assert uses == {"b" * 12: NOW, TOKEN: NOW + timedelta(seconds=200)}


def test_a_late_word_does_not_take_a_use_back(store: Store) -> None:
    accept(store, ONE, at=NOW + timedelta(minutes=5))
    accept(store, ONE, at=NOW)
    assert store.api_tokens.last_uses([TOKEN]) == {TOKEN: NOW + timedelta(minutes=5)}


def test_what_is_no_api_token_has_no_last_use(store: Store) -> None:
    store.acceptances.keep([Acceptance(ONE, None, NOW), Acceptance(TWO, TOKEN, NOW)])
    assert store.acceptances.knows(ONE)
    assert store._connection.send("HLEN", store.acceptances._keyspace.api_token_uses) == 1
    assert store.api_tokens.last_uses([]) == {}
