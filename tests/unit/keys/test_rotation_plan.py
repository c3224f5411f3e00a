"""Which step is due when, and what holds whatever happens to an account's keys."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keys.rotation import (
    MAX_PUBLISHED,
    Records,
    activate,
    active,
    compromise,
    forget,
    next_in_line,
    published,
    reject,
    signs,
    stage,
    withdraw,
)
from keys.rotation_plan import (
    ActivateKey,
    ForgetKey,
    RotationPolicy,
    StageKey,
    Step,
    WithdrawKey,
    due_steps,
    next_due,
)
from keys.types import Algorithm, EcParameters, KeyReference, KeyState, Kid, PublicJwk

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
POLICY = RotationPolicy(keep_published=8 * HOUR)


def reference(kid: str) -> KeyReference:
    jwk = PublicJwk(Algorithm.ES256, Kid(kid), EcParameters(crv="P-256", x="eA", y="eQ"))
    return KeyReference(provider="local", locator=kid, public_jwk=jwk)


def started() -> Records:
    """A new account's keys: `a` signs, `b` is staged, both since NOW."""
    records = activate(stage((), reference("a"), now=NOW), Kid("a"), now=NOW)
    return stage(records, reference("b"), now=NOW)


def rotated(at: datetime) -> Records:
    """`a` retires since `at`, `b` signs, `c` is staged."""
    return stage(activate(started(), Kid("b"), now=at), reference("c"), now=at)


def names(steps: tuple[Step, ...]) -> list[tuple[str, str | None]]:
    return [(type(step).__name__, getattr(step, "kid", None)) for step in steps]


def states(records: Records) -> dict[str, KeyState]:
    return {record.kid: record.state for record in records}


def test_a_new_account_gets_a_key_that_signs_at_once_and_a_staged_one():
    """Step by step from nothing, without any wait."""
    records: Records = ()
    assert names(due_steps(records, NOW, POLICY)) == [("StageKey", None)]

    records = stage(records, reference("a"), now=NOW)
    assert names(due_steps(records, NOW, POLICY)) == [("ActivateKey", "a")]

    records = activate(records, Kid("a"), now=NOW)
    assert names(due_steps(records, NOW, POLICY)) == [("StageKey", None)]

    records = stage(records, reference("b"), now=NOW)
    assert due_steps(records, NOW, POLICY) == ()
    assert next_due(records, POLICY) == NOW + 90 * DAY


def test_a_key_signs_for_ninety_days_and_not_a_millisecond_longer():
    """The staged one, which has waited long enough by then, takes over."""
    due = NOW + 90 * DAY

    assert due_steps(started(), due - timedelta(milliseconds=1), POLICY) == ()
    assert names(due_steps(started(), due, POLICY)) == [("ActivateKey", "b")]


def test_a_rotation_that_is_asked_for_waits_until_the_staged_key_is_known():
    """24 hours of publication, whoever asks."""
    asked = NOW + HOUR

    assert next_due(started(), POLICY, asked_at=asked) == NOW + DAY
    assert due_steps(started(), NOW + DAY - timedelta(seconds=1), POLICY, asked_at=asked) == ()
    (step,) = due_steps(started(), NOW + DAY, POLICY, asked_at=asked)
    assert step == ActivateKey(Kid("b"), "a rotation was asked for")


def test_a_rotation_that_is_asked_for_late_is_due_when_it_is_asked_for():
    """The staged key has been known for days."""
    asked = NOW + 10 * DAY

    assert next_due(started(), POLICY, asked_at=asked) == asked


def test_asking_never_delays_a_rotation():
    """Asked for after it was due anyway: the earlier time counts."""
    assert next_due(started(), POLICY, asked_at=NOW + 200 * DAY) == NOW + 90 * DAY


def test_a_retiring_key_stays_published_until_nobody_needs_it():
    """What it signed has to expire, with the relying party's tolerance and every cached copy."""
    at = NOW + 90 * DAY
    records = rotated(at)

    assert states(records)["a"] is KeyState.RETIRING
    assert "a" in [record.kid for record in published(records)]
    assert due_steps(records, at + 8 * HOUR - timedelta(seconds=1), POLICY) == ()
    assert names(due_steps(records, at + 8 * HOUR, POLICY)) == [("WithdrawKey", "a")]


def test_a_retired_key_is_remembered_for_more_than_a_year():
    """An audit may ask who signed; then the record goes too."""
    at = NOW + 90 * DAY
    records = withdraw(rotated(at), Kid("a"), now=at + 8 * HOUR)

    assert "a" not in [record.kid for record in published(records)]
    dropped = ForgetKey(Kid("a"), "it was destroyed long ago")
    assert dropped not in due_steps(records, at + 400 * DAY, POLICY)
    assert dropped in due_steps(records, at + 401 * DAY, POLICY)
    assert "a" not in states(forget(records, Kid("a")))


def test_a_compromised_key_leaves_the_jwks_in_the_very_step_in_which_its_successor_signs():
    """No moment between the two, and nothing else has to happen first."""
    records = compromise(started(), now=NOW + HOUR)

    assert active(records).kid == "b"
    assert [record.kid for record in published(records)] == ["b"]
    assert names(due_steps(records, NOW + HOUR, POLICY)) == [
        ("WithdrawKey", "a"),
        ("StageKey", None),
    ]


def test_retiring_keys_are_no_longer_trusted_either():
    """Nobody can say which of the keys that have signed was misused."""
    at = NOW + 90 * DAY
    records = compromise(rotated(at), now=at + HOUR)

    assert [record.kid for record in published(records)] == ["c"]
    assert names(due_steps(records, at + HOUR, POLICY)) == [
        ("WithdrawKey", "a"),
        ("WithdrawKey", "b"),
        ("StageKey", None),
    ]


def test_a_compromised_key_does_not_sign_on_for_want_of_another():
    """No staged key: nobody signs until there is one, and that one does not wait."""
    alone = activate(stage((), reference("a"), now=NOW), Kid("a"), now=NOW)
    records = compromise(alone, now=NOW)

    assert not signs(records)
    assert published(records) == ()
    records = stage(records, reference("b"), now=NOW + HOUR)
    assert ("ActivateKey", "b") in names(due_steps(records, NOW + HOUR, POLICY))


def test_declaring_it_twice_keeps_the_first_time():
    """When it was known is what an audit asks."""
    once = compromise(started(), now=NOW)
    twice = compromise(stage(once, reference("c"), now=NOW), now=NOW + DAY)

    first = next(record for record in twice if record.kid == "a")
    assert (first.compromised_at, first.retiring_at) == (NOW, NOW)
    assert active(twice).kid == "c"


def test_a_full_jwks_makes_the_rotation_wait_for_a_place():
    """Never more than five keys: the successor's successor has to find one too."""
    crowding = replace(POLICY, publish_before_use=HOUR, keep_published=10 * DAY, rotate_every=HOUR)
    records, now = started(), NOW
    for kid in "cdefgh":
        now += HOUR
        for step in due_steps(records, now, crowding):
            if isinstance(step, ActivateKey):
                records = activate(records, step.kid, now=now)
                records = stage(records, reference(kid), now=now)

    assert len(published(records)) == MAX_PUBLISHED
    assert states(records)["a"] is KeyState.RETIRING
    assert next_due(records, crowding) == NOW + HOUR + 10 * DAY


@pytest.mark.parametrize(
    ("move", "complaint"),
    [
        (lambda records: stage(records, reference("a"), now=NOW), "already"),
        (lambda records: activate(records, Kid("a"), now=NOW), "not published"),
        (lambda records: activate(records, Kid("x"), now=NOW), "not published"),
        (lambda records: withdraw(records, Kid("a"), now=NOW), "not retiring"),
        (lambda records: withdraw(records, Kid("b"), now=NOW), "not retiring"),
        (lambda records: reject(records, Kid("a"), now=NOW), "not published"),
        (lambda records: forget(records, Kid("a")), "not retired"),
    ],
)
def test_no_state_is_skipped(move, complaint):
    """A key moves on from the state before only; nothing else is done in silence."""
    with pytest.raises(ValueError, match=complaint):
        move(started())


@pytest.mark.parametrize(
    "impossible",
    [
        {"keep_published": timedelta(0)},
        {"publish_before_use": timedelta(0)},
        {"remember": timedelta(0)},
        {"rotate_every": HOUR},
        {"deletion_days": 6},
        {"deletion_days": 31},
    ],
)
def test_a_policy_that_cannot_work_is_refused(impossible):
    """At the start, not at the first rotation."""
    with pytest.raises(ValueError, match=r"rotation policy|published for longer|7 to 30"):
        replace(POLICY, **impossible)


# What follows plays an account's life: time passes, people ask, canaries and providers fail.

EVENTS = st.one_of(
    st.tuples(st.sampled_from(["publish", "keep", "rotate"]), st.integers(1, 12)),
    st.tuples(st.just("ask"), st.just(0)),
    st.tuples(st.just("emergency"), st.just(0)),
    st.tuples(st.just("canary"), st.integers(0, 1)),
    st.tuples(st.just("provider"), st.integers(0, 1)),
)
POLICIES = st.builds(
    lambda rotate, publish, keep: RotationPolicy(
        rotate_every=max(rotate, publish), publish_before_use=publish, keep_published=keep
    ),
    rotate=st.timedeltas(HOUR, 120 * DAY),
    publish=st.timedeltas(timedelta(minutes=1), 10 * DAY),
    keep=st.timedeltas(timedelta(minutes=1), 30 * DAY),
)


@dataclass
class Life:
    """One account's keys through time, and what a relying party saw of them."""

    policy: RotationPolicy
    now: datetime = NOW
    records: Records = ()
    asked_at: datetime | None = None
    canary_passes: bool = True
    provider_works: bool = True
    excused: set[Kid] = field(default_factory=set)
    """Keys that may sign early: the first, and those of an emergency."""
    published_since: dict[Kid, datetime] = field(default_factory=dict)
    signed_until: dict[Kid, datetime] = field(default_factory=dict)
    disabled: set[Kid] = field(default_factory=set)
    condemned: set[Kid] = field(default_factory=set)
    fresh: itertools.count = field(default_factory=itertools.count)

    def meet(self, event: str, value: int) -> None:
        match event:
            case "publish":
                self.now += self.policy.publish_before_use * value / 8
            case "keep":
                self.now += self.policy.keep_published * value / 8
            case "rotate":
                self.now += self.policy.rotate_every * value / 8
            case "ask":
                self.asked_at = self.asked_at or self.now
            case "canary":
                self.canary_passes = bool(value)
            case "provider":
                self.provider_works = bool(value)
            case "emergency":
                self.condemned |= {
                    record.kid
                    for record in self.records
                    if record.state in (KeyState.ACTIVE, KeyState.RETIRING)
                }
                self.records = compromise(self.records, now=self.now)
                self.excused |= {r.kid for r in self.records if r.state is KeyState.ACTIVE}
        self.observe()

    def work(self) -> None:
        """Do what is due until nothing is, or only what cannot be done now."""
        for _ in range(100):
            steps = due_steps(self.records, self.now, self.policy, asked_at=self.asked_at)
            if not any(self.done(step) for step in steps):
                return
            self.observe()
        raise AssertionError("the plan never ends")

    def done(self, step: Step) -> bool:
        match step:
            case StageKey():
                if self.provider_works:
                    made = reference(f"k{next(self.fresh)}")
                    self.records = stage(self.records, made, now=self.now)
                return self.provider_works
            case ActivateKey(kid):
                first = not signs(self.records)
                if not first and not self.canary_passes:
                    return False
                if first:
                    self.excused.add(kid)
                self.records = activate(self.records, kid, now=self.now)
                self.asked_at = None
            case WithdrawKey(kid):
                if not self.provider_works:
                    return False
                self.disabled.add(kid)
                self.records = withdraw(self.records, kid, now=self.now)
            case ForgetKey(kid):
                self.records = forget(self.records, kid)
        return True

    def observe(self) -> None:
        """What has to hold at every single moment."""
        in_jwks = {record.kid for record in published(self.records)}
        assert len(in_jwks) <= MAX_PUBLISHED
        for kid in in_jwks:
            self.published_since.setdefault(kid, self.now)
        assert not in_jwks & self.disabled
        assert not in_jwks & self.condemned
        signing = [record for record in self.records if record.state is KeyState.ACTIVE]
        assert len(signing) <= 1
        for record in signing:
            if record.kid not in self.signed_until and record.kid not in self.excused:
                waited = self.now - self.published_since[record.kid]
                assert waited >= self.policy.publish_before_use
            self.signed_until[record.kid] = self.now
        for kid, last in self.signed_until.items():
            needed = self.now < last + self.policy.keep_published
            assert kid in in_jwks or kid in self.condemned or not needed


@settings(max_examples=400, deadline=None)
@given(policy=POLICIES, events=st.lists(EVENTS, max_size=40))
def test_whatever_happens_the_promises_hold(policy, events):
    """Random times, wishes, emergencies and failures; then everything works and time is given."""
    life = Life(policy)
    life.work()
    for event, value in events:
        life.meet(event, value)
        life.work()
    life.canary_passes = life.provider_works = True
    life.work()

    assert active(life.records)
    assert next_in_line(life.records)
    assert not [
        record for record in life.records if record.compromised_at and not record.retired_at
    ]
    assert next_due(life.records, policy, asked_at=life.asked_at) > life.now


@settings(max_examples=200, deadline=None)
@given(policy=POLICIES, events=st.lists(EVENTS, max_size=20))
def test_nothing_is_due_before_its_announced_time(policy, events):
    """Whoever sleeps until `next_due` misses nothing, and wakes up for something."""
    life = Life(policy)
    for event, value in events:
        life.meet(event, value)
        life.work()
    announced = next_due(life.records, policy, asked_at=life.asked_at)
    eve = announced - timedelta(microseconds=1)

    assert due_steps(life.records, eve, policy, asked_at=life.asked_at) == ()
    assert due_steps(life.records, announced, policy, asked_at=life.asked_at) != ()
