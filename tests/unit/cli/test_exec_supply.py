"""What `broker exec` serves: one session for all, others in time, and the truth at its end."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from broker.cli.exec import supply as subject
from broker.cli.exec.ending import SESSION_REVOKED, AccessEnded
from broker.cli.exec.supply import NotNow, Supply
from broker.client.errors import ClientError, ProblemAnswered, Unreachable
from broker.contract.sessions import OpenedSessionAnswer, SessionAnswer

START = datetime(2026, 11, 3, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)


@pytest.fixture(autouse=True)
def _busy_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Answers come at once here, and a machine with much else to do may take long over them."""
    monkeypatch.setattr(subject, "SOON", 60.0)


def problem(code: str, *, status: int = 403) -> ProblemAnswered:
    return ProblemAnswered(
        status=status, code=code, detail=f"It is {code}.", request_id="r", members={}
    )


class Clock:
    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now


class FakeSessions:
    """A broker that gives sessions of `lasts`, or raises what it is told to."""

    def __init__(self, clock: Clock, lasts: timedelta) -> None:
        self._clock, self._lasts = clock, lasts
        self.opened = 0
        self.looked = 0
        self.refusal: Exception | None = None
        self.ended: Exception | None = None
        self.gate: Callable[[], object] = lambda: None

    def open(self) -> OpenedSessionAnswer:
        self.gate()
        if self.refusal is not None:
            raise self.refusal
        self.opened += 1
        return session(self.opened, self._clock() + self._lasts)

    def require_standing(self, session: SessionAnswer) -> None:
        del session
        self.looked += 1
        if self.ended is not None:
            raise self.ended


def session(number: int, expires_at: datetime) -> OpenedSessionAnswer:
    return OpenedSessionAnswer.model_validate(
        {
            "session": {
                "id": f"s-{number:020x}",
                "account_id": "111122223333",
                "ticket": "T-1042",
                "engineer": "jane",
                "access": "read",
                "grant_id": f"gr-{0:020x}",
                "role_arn": "arn:aws:iam::111122223333:role/Acme-Support-ReadOnly",
                "role_session_name": "jane@T-1042",
                "access_key_id": f"ASIA{number}",
                "kid": "k",
                "jti": "j",
                "services": [],
                "issued_at": START,
                "expires_at": expires_at,
                "revoked_at": None,
                "revocation": None,
            },
            "credentials": {
                "access_key_id": f"ASIA{number}",
                "secret_access_key": "secret",
                "session_token": "token",
                "expiration": expires_at,
            },
        }
    )


class Held:
    """A supply with everything around it that a test wants to look at."""

    def __init__(self, lasts: timedelta = HOUR) -> None:
        self.clock = Clock()
        self.sessions = FakeSessions(self.clock, lasts)
        self.told: list[str] = []
        self.supply = Supply(
            session(0, START + lasts), self.sessions, tell=self.told.append, clock=self.clock
        )

    def at(self, since_start: timedelta) -> str:
        """The access key that is served then."""
        self.clock.now = START + since_start
        return self.supply.credentials().access_key_id


@pytest.mark.parametrize(
    ("lasts", "kept_until"),
    [(HOUR, 40 * MINUTE), (30 * MINUTE, 15 * MINUTE), (4 * HOUR, 220 * MINUTE)],
)
def test_a_session_is_served_until_half_of_it_or_twenty_minutes_are_left(lasts, kept_until):
    """SDKs ask a quarter of an hour before the end at the earliest, and then find a fresh one."""
    held = Held(lasts)
    assert held.at(kept_until - timedelta(seconds=1)) == "ASIA0"
    assert held.at(kept_until) == "ASIA1"
    assert held.sessions.opened == 1


def test_many_who_ask_at_once_get_one_session():
    """The threads of an SDK, and all processes that COMMAND starts, share the question."""
    held = Held()
    held.clock.now = START + 45 * MINUTE
    everybody_is_there = threading.Barrier(9)
    got: list[str] = []

    def ask() -> None:
        everybody_is_there.wait()
        got.append(held.supply.credentials().access_key_id)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    everybody_is_there.wait()
    for thread in threads:
        thread.join()
    assert set(got) == {"ASIA1"}
    assert held.sessions.opened == 1


def test_nobody_waits_long_for_better_ones_while_what_is_held_is_good(monkeypatch):
    """SDKs give up after a second: a slow broker must not cost them what is there."""
    monkeypatch.setattr(subject, "SOON", 0.01)
    held = Held()
    answering = threading.Event()
    held.sessions.gate = answering.wait
    assert held.at(45 * MINUTE) == "ASIA0"
    answering.set()
    monkeypatch.setattr(subject, "SOON", 60.0)
    assert held.at(45 * MINUTE) == "ASIA1"
    assert held.sessions.opened == 1


def test_a_refusal_ends_access_at_once_and_is_told_once():
    """The sessions are revoked as well: what is held is worth nothing, and would only puzzle."""
    held = Held()
    held.sessions.refusal = problem("ticket_closed")
    for _ in range(3):
        with pytest.raises(AccessEnded) as raised:
            held.at(45 * MINUTE)
        assert (raised.value.code, raised.value.message) == (
            "ticket_closed",
            "It is ticket_closed.",
        )
    assert held.told == ["Access has ended: It is ticket_closed. [ticket_closed]"]


def test_access_that_is_given_again_is_served_again():
    """A ticket that is reopened needs no new start; the broker is not asked at every request."""
    held = Held()
    held.sessions.refusal = problem("ticket_closed")
    with pytest.raises(AccessEnded):
        held.at(45 * MINUTE)
    held.sessions.refusal = None
    with pytest.raises(AccessEnded):
        held.at(45 * MINUTE + timedelta(seconds=9))
    assert held.at(45 * MINUTE + timedelta(seconds=10)) == "ASIA1"
    assert held.told[-1] == "There is access again."


@pytest.mark.parametrize(
    ("trouble", "code"),
    [
        (Unreachable("https://broker.example.com"), "broker_unreachable"),
        (problem("store_unavailable", status=503), "store_unavailable"),
        (problem("rate_limited", status=429), "rate_limited"),
        (problem("account_not_active"), "account_not_active"),
        (problem("duration_too_long"), "duration_too_long"),
        (problem("unauthenticated", status=401), "unauthenticated"),
    ],
)
def test_trouble_on_the_way_takes_nothing_away(trouble: ClientError, code: str):
    """What is held is served until it ends; then the reason is, and later it is tried again."""
    held = Held()
    held.sessions.refusal = trouble
    assert held.at(45 * MINUTE) == "ASIA0"
    assert held.at(HOUR - timedelta(seconds=1)) == "ASIA0"
    with pytest.raises(NotNow) as raised:
        held.at(HOUR)
    assert raised.value.code == code
    assert len(held.told) == 1
    assert f"[{code}]" in held.told[0]
    held.sessions.refusal = None
    assert held.at(HOUR + MINUTE) == "ASIA1"


def test_the_end_of_a_session_is_seen_though_it_would_last():
    """The ticket may be closed at any time, and the next request hears of it."""
    held = Held()
    held.sessions.ended = AccessEnded("Ticket T-1042 was closed.", code="ticket_closed")
    assert held.at(timedelta(seconds=4)) == "ASIA0"
    with pytest.raises(AccessEnded):
        held.at(timedelta(seconds=5))
    assert held.told == ["Access has ended: Ticket T-1042 was closed. [ticket_closed]"]


def test_a_session_that_somebody_ended_is_not_replaced():
    """Whoever revokes one session must not see another one come up in its place."""
    held = Held()
    held.sessions.ended = AccessEnded("Session s-0 was revoked.", code=SESSION_REVOKED)
    for minutes in (1, 30, 59, 120):
        with pytest.raises(AccessEnded):
            held.at(minutes * MINUTE)
    assert held.sessions.opened == 0


def test_looking_opens_nothing():
    """While nobody asks for credentials, no session is opened, however old the last one is."""
    held = Held()
    held.clock.now = START + 50 * MINUTE
    held.supply.look()
    assert (held.sessions.looked, held.sessions.opened) == (1, 0)


def test_every_session_is_remembered_for_its_revocation():
    """`--revoke` ends all of them, not the last one only."""
    held = Held()
    held.at(45 * MINUTE)
    held.at(90 * MINUTE)
    assert held.supply.session_ids == [f"s-{number:020x}" for number in range(3)]


def test_nothing_of_it_prints_a_secret():
    """A trace that somebody pastes somewhere holds no credentials."""
    held = Held()
    assert "secret" not in repr(vars(held.supply))


def test_a_clock_that_is_ahead_opens_no_session_for_each_request():
    """Whatever comes is over already: that is said, and asked again after a while only."""
    held = Held()
    held.sessions._lasts = -HOUR
    for seconds in range(0, 10, 2):
        with pytest.raises(NotNow) as failed:
            held.at(2 * HOUR + timedelta(seconds=seconds))
        assert failed.value.code == "clock_is_ahead"
    assert held.sessions.opened == 1
    assert held.told == [
        "No new credentials for now: By this machine's clock credentials are over before they "
        "come. Set the clock. [clock_is_ahead]"
    ]
    held.sessions._lasts = HOUR
    assert held.at(2 * HOUR + timedelta(seconds=10)) == "ASIA2"
    assert held.told[1:] == ["There is access again."]
