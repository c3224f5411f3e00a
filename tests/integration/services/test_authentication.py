"""Guessing is limited by address, written down within bounds, and locks nobody else out."""

from __future__ import annotations

import json
import secrets
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from unittest.mock import create_autospec

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from broker.errors import DependencyUnavailable, RateLimited, Unauthenticated
from broker.services.identity.acceptances import Acceptances
from tests.integration.services.front_desk import (
    ADMIN,
    ELSEWHERE,
    OFFICE,
    OVERALL,
    PER_ADDRESS,
    FrontDesk,
    opened,
)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[FrontDesk]:
    with opened(tmp_path / "store") as running:
        yield running


def a_guess() -> str:
    """A credential of our form that nobody was given."""
    return f"brk_{secrets.token_hex(6)}_{secrets.token_hex(32)}"


def outcome(desk: FrontDesk, text: str, address: str = OFFICE) -> str:
    """`accepted`, or the code of the refusal."""
    try:
        desk.present(text, address)
    except (Unauthenticated, RateLimited) as e:
        return e.code
    return "accepted"


def guess(desk: FrontDesk, times: int, address: str = OFFICE) -> list[str]:
    return [outcome(desk, a_guess(), address) for _ in range(times)]


def test_who_presents_a_good_token_is_known(desk: FrontDesk) -> None:
    """And nothing is written of it."""
    token, text = desk.token("ann")
    call = desk.present(text)
    assert (call.caller.subject, call.caller.api_token_id) == ("ann", token.token_id)
    assert call.source_address == OFFICE
    assert desk.refusals() == []


REFUSED = {
    "malformed": ("brk_{id}_short", "api_token_malformed"),
    "unknown": ("brk_000000000000_{secret}", "api_token_unknown"),
    "wrong secret": ("brk_{id}_{zeros}", "api_token_wrong_secret"),
}


@pytest.mark.parametrize(("form", "reason"), REFUSED.values(), ids=REFUSED)
def test_a_guess_is_told_nothing_and_written_down(desk: FrontDesk, form: str, reason: str) -> None:
    """With the finer reason and the id of the token, and never with the credential."""
    token, text = desk.token()
    secret = text[-64:]
    presented = form.format(id=token.token_id, secret=secret, zeros="0" * 64)
    with pytest.raises(Unauthenticated) as refused:
        desk.present(presented)
    assert refused.value.extra == {}
    (entry,) = desk.refusals()
    assert (entry.actor, entry.reason) == ("unauthenticated", reason)
    assert entry.details == {"source_address": OFFICE, "credential": "api_token"}
    named = None if reason == "api_token_malformed" else presented.split("_")[1]
    assert entry.ids.get("api_token") == named
    assert secret not in json.dumps(entry.unhashed())


def test_guesses_and_their_answers_are_the_same_words(desk: FrontDesk) -> None:
    """Whether an id exists is not told."""
    token, _ = desk.token()
    told = set()
    for presented in (a_guess(), f"brk_{token.token_id}_{'0' * 64}", "brk_"):
        with pytest.raises(Unauthenticated) as refused:
            desk.present(presented)
        told.add(refused.value.public_message)
    assert len(told) == 1


@pytest.mark.parametrize("how", ["expired", "revoked"])
def test_only_who_has_the_secret_is_told_how_a_token_ended(desk: FrontDesk, how: str) -> None:
    """The others learn no more of it than of one that never was."""
    token, text = desk.token()
    if how == "expired":
        desk.now += timedelta(days=1)
    else:
        desk.tokens.revoke(token.token_id, ADMIN)
    with pytest.raises(Unauthenticated) as told:
        desk.present(text)
    assert told.value.extra == {"reason": how}
    with pytest.raises(Unauthenticated) as untold:
        desk.present(f"brk_{token.token_id}_{'0' * 64}")
    assert untold.value.extra == {}
    reasons = [(entry.reason, entry.ids["api_token"]) for entry in desk.refusals()]
    assert reasons == [
        (f"api_token_{how}", token.token_id),
        ("api_token_wrong_secret", token.token_id),
    ]


def test_beyond_the_limit_nothing_is_verified(desk: FrontDesk) -> None:
    """Not even a right guess: else the limit would not be one."""
    _, right = desk.token()
    assert guess(desk, PER_ADDRESS) == ["unauthenticated"] * PER_ADDRESS
    asked = desk.verified.asked
    assert guess(desk, 3) == ["rate_limited"] * 3
    with pytest.raises(RateLimited) as limited:
        desk.present(right)
    assert desk.verified.asked == asked
    assert 3590 < int(limited.value.extra["retry_after"]) <= 3600
    assert "failed sign-ins from one address" in limited.value.public_message


def test_another_address_is_not_concerned(desk: FrontDesk) -> None:
    """One guesser stops nobody who is not behind the same address."""
    _, right = desk.token()
    guess(desk, PER_ADDRESS + 1)
    assert outcome(desk, right, ELSEWHERE) == "accepted"


def test_who_was_accepted_at_an_address_is_accepted_on(desk: FrontDesk) -> None:
    """An office behind one address goes on working while somebody in it guesses."""
    _, regular = desk.token("ann")
    _, newcomer = desk.token("bea")
    desk.present(regular)
    guess(desk, PER_ADDRESS + 1)
    assert outcome(desk, regular) == "accepted"
    assert outcome(desk, newcomer) == "rate_limited"
    # Another process knows it from the store, once it was told.
    other = desk.another()
    assert outcome(other, regular) == "rate_limited"
    desk.acceptances.flush()
    assert outcome(other, regular) == "accepted"
    # And it was accepted here, not everywhere.
    guess(desk, PER_ADDRESS + 1, ELSEWHERE)
    assert outcome(other, regular, ELSEWHERE) == "rate_limited"


def test_what_is_remembered_is_the_whole_credential(desk: FrontDesk) -> None:
    """A guess at the secret of a token that is in use here is a guess."""
    token, regular = desk.token()
    desk.present(regular)
    guess(desk, PER_ADDRESS)
    asked = desk.verified.asked
    assert outcome(desk, f"brk_{token.token_id}_{'0' * 64}") == "rate_limited"
    assert desk.verified.asked == asked


def test_a_remembered_token_is_verified_all_the_same(desk: FrontDesk) -> None:
    """Being known at an address is no credential: revoked is revoked, at once."""
    token, regular = desk.token()
    desk.present(regular)
    desk.another().tokens.revoke(token.token_id, ADMIN)
    assert outcome(desk, regular) == "unauthenticated"


def test_an_ended_token_locks_nobody_out(desk: FrontDesk) -> None:
    """A job that was forgotten in the office counts by itself, and is limited by itself."""
    token, ended = desk.token("job")
    _, newcomer = desk.token("bea")
    desk.tokens.revoke(token.token_id, ADMIN)
    outcomes = [outcome(desk, ended) for _ in range(PER_ADDRESS + 20)]
    assert outcomes == ["unauthenticated"] * PER_ADDRESS + ["rate_limited"] * 20
    assert outcome(desk, newcomer) == "accepted"
    assert len(desk.refusals()) == PER_ADDRESS + 1


@pytest.mark.parametrize(
    ("first", "second", "together"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("192.0.2.1", "192.0.2.2", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
    ],
)
def test_addresses_count_by_who_commands_them(
    desk: FrontDesk, first: str, second: str, together: bool
) -> None:
    """A /64 belongs to one customer of a provider; an IPv4 address in IPv6 is itself."""
    guess(desk, PER_ADDRESS, first)
    assert guess(desk, 1, second) == ["rate_limited" if together else "unauthenticated"]


def test_the_ledger_grows_by_a_bounded_number(desk: FrontDesk) -> None:
    """One entry for each guess that was looked at, one for all that were not."""
    assert Counter(guess(desk, 100)) == {"unauthenticated": PER_ADDRESS, "rate_limited": 95}
    entries = desk.refusals()
    assert [entry.reason for entry in entries[PER_ADDRESS:]] == ["rate_limited"]
    assert entries[-1].ids["limit"] == "failed_sign_ins_from_address"


def test_not_even_from_everywhere_at_once(desk: FrontDesk) -> None:
    """Whoever commands many addresses fills no ledger either, and stops nobody who is right."""
    outcomes = Counter(
        answer for host in range(50) for answer in guess(desk, 2, f"203.0.113.{host}")
    )
    assert outcomes == {"unauthenticated": OVERALL, "rate_limited": 100 - OVERALL}
    entries = desk.refusals()
    assert len(entries) == OVERALL + 1
    assert entries[-1].ids["limit"] == "failed_sign_ins_overall"
    _, right = desk.token()
    assert outcome(desk, right, "203.0.113.99") == "accepted"


def test_guesses_at_the_same_moment_share_the_places(desk: FrontDesk) -> None:
    """Forty threads on two processes: as many are answered with 401 as the limit says."""
    desks = [desk, desk.another()]
    with ThreadPoolExecutor(20) as pool:
        outcomes = Counter(pool.map(lambda n: outcome(desks[n % 2], a_guess()), range(40)))
    assert outcomes == {"unauthenticated": PER_ADDRESS, "rate_limited": 40 - PER_ADDRESS}
    assert len(desk.refusals()) == PER_ADDRESS + 1


def test_a_store_that_is_gone_lets_nobody_in(
    desk: FrontDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fail closed, and as what it is: no word of a wrong credential."""
    _, right = desk.token()
    gone = create_autospec(desk.store._connection._attempt, side_effect=RedisConnectionError)
    monkeypatch.setattr(desk.store._connection, "_attempt", gone)
    with pytest.raises(DependencyUnavailable):
        desk.present(right)


def test_remembering_never_fails_a_request(desk: FrontDesk) -> None:
    """What the store does not take is lost, and only that."""
    _, right = desk.token()
    gone = create_autospec(desk.store.acceptances, spec_set=True, instance=True)
    gone.keep.side_effect = DependencyUnavailable("gone")
    acceptances = Acceptances(kept=gone, clock=lambda: desk.now, pause=0)
    desk.authentication = replace(desk.authentication, acceptances=acceptances)
    assert outcome(desk, right) == "accepted"
    acceptances.flush()
    gone.keep.assert_called()
    assert outcome(desk, right) == "accepted"
