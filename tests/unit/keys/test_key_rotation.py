"""Which key signs and which keys stand in the JWKS."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from pydantic import TypeAdapter

from keys.errors import NoActiveKey
from keys.rotation import KeyRecord, activate, active, published, stage
from keys.types import Algorithm, EcParameters, KeyReference, KeyState, Kid, PublicJwk

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


def reference(kid: str) -> KeyReference:
    parameters = EcParameters(crv="P-256", x="eA", y="eQ")
    jwk = PublicJwk(algorithm=Algorithm.ES256, kid=Kid(kid), parameters=parameters)
    return KeyReference(provider="local", locator=kid, public_jwk=jwk)


def record(kid: str, state: KeyState, *, age: timedelta = timedelta(0)) -> KeyRecord:
    return KeyRecord(reference=reference(kid), state=state, created_at=NOW - age)


def kids(records) -> list[str]:
    return [each.kid for each in records]


def test_a_new_account_signs_at_once_and_has_its_next_key_published():
    """Nobody has cached the JWKS of a new issuer: only the next key has to wait."""
    first = activate(stage((), reference("a"), now=NOW), Kid("a"), now=NOW)
    signing, staged = stage(first, reference("b"), now=NOW)

    assert (signing.state, signing.created_at, signing.published_at, signing.activated_at) == (
        KeyState.ACTIVE,
        NOW,
        NOW,
        NOW,
    )
    assert (staged.state, staged.created_at, staged.published_at, staged.activated_at) == (
        KeyState.PUBLISHED,
        NOW,
        NOW,
        None,
    )
    assert active([staged, signing]) is signing
    assert kids(published([staged, signing])) == ["a", "b"]


def test_the_jwks_holds_what_has_signed_signs_or_will_sign():
    """Active first, then staged, then retiring; pending and retired keys are not for AWS."""
    records = [record(state.value, state) for state in KeyState]

    assert kids(published(records)) == ["active", "published", "retiring"]


def test_the_jwks_never_exceeds_five_keys():
    """Too many retiring keys push out the oldest of themselves, never one that must be there."""
    retiring = [
        record(f"retiring-{days}", KeyState.RETIRING, age=timedelta(days=days))
        for days in (3, 1, 5, 4, 2)
    ]
    records = [*retiring, record("next", KeyState.PUBLISHED), record("now", KeyState.ACTIVE)]

    assert kids(published(records)) == ["now", "next", "retiring-1", "retiring-2", "retiring-3"]


@pytest.mark.parametrize(
    "states",
    [
        [],
        [KeyState.PENDING, KeyState.PUBLISHED, KeyState.RETIRING, KeyState.RETIRED],
        [KeyState.ACTIVE, KeyState.ACTIVE],
    ],
    ids=["no keys", "none active", "two active"],
)
def test_exactly_one_key_signs(states):
    """Neither a guess among several nor a staged key before its time."""
    with pytest.raises(NoActiveKey, match=f"{states.count(KeyState.ACTIVE)} keys are active"):
        active(record(str(n), state) for n, state in enumerate(states))


def test_a_record_survives_the_store():
    """Written as JSON and read back it is equal, times included."""
    full = replace(
        record("a", KeyState.RETIRED),
        published_at=NOW,
        activated_at=NOW + timedelta(days=1),
        retiring_at=NOW + timedelta(days=2, microseconds=1),
        retired_at=NOW + timedelta(days=3),
        compromised_at=NOW + timedelta(days=2),
    )
    adapter = TypeAdapter(KeyRecord)

    for written in (full, record("b", KeyState.PENDING)):
        assert adapter.validate_json(adapter.dump_json(written)) == written


@pytest.mark.parametrize(
    "time",
    [NOW.replace(tzinfo=None), NOW.astimezone(timezone(timedelta(hours=1)))],
    ids=["naive", "another zone"],
)
@pytest.mark.parametrize(
    "member",
    [
        "created_at",
        "published_at",
        "activated_at",
        "retiring_at",
        "retired_at",
        "compromised_at",
    ],
)
def test_only_utc_enters_a_record(member, time):
    """A time without its zone, or in another, is refused where the value is made."""
    with pytest.raises(ValueError, match="UTC"):
        replace(record("a", KeyState.RETIRED), **{member: time})
