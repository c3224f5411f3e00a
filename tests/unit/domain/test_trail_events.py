"""What is read of the customer's trail, and what never is."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from broker.domain.trail.events import UNTOLD, Effect, TrailEvent, parse_event
from tests.unit.domain.trail_records import (
    AT,
    KEY,
    PROVIDER,
    ROLE,
    SECRET,
    SESSION_ID,
    SESSION_NAME,
    call_record,
    exchange_record,
    found,
)


def parsed(record: dict[str, Any], **outer: Any) -> TrailEvent:
    """The event that LookupEvents gives for this record."""
    return parse_event(found(record, **outer), region="us-east-1")


def test_an_exchange_as_documented() -> None:
    """Who came in, as whom, and with which key."""
    event = parsed(exchange_record())
    assert event == TrailEvent(
        event_id="bEXAMPLE-0b30-4246-b28c-e3da3EXAMPLE",
        time=AT,
        name="AssumeRoleWithWebIdentity",
        source="sts.amazonaws.com",
        region="us-east-1",
        user_name="support:111122223333",
        access_key_id="",
        source_ip="192.0.2.101",
        effect=Effect.READ,
        error_code=None,
        resources=(f"AWS::IAM::Role {ROLE}",),
        role_arn=ROLE,
        identity_provider=PROVIDER,
        subject="support:111122223333",
        source_identity="jane@vendor.example",
        session_name=SESSION_NAME,
        session_id=SESSION_ID,
        ticket="T-1042",
        issued_key_id=KEY,
    )


def test_a_refused_write_as_documented() -> None:
    """It is a write, and it did not happen."""
    event = parsed(call_record())
    assert (event.effect, event.marked) == (Effect.WRITE, True)
    assert event.error_code == "Client.UnauthorizedOperation"
    assert (event.user_name, event.access_key_id) == (SESSION_NAME, KEY)
    assert event.source_identity == "jane@vendor.example"
    assert event.issued_key_id is None


def test_credentials_are_left_where_they_are() -> None:
    """The record of an exchange has the session token, and nothing of ours may have it."""
    assert SECRET in json.dumps(exchange_record())
    assert SECRET not in repr(parsed(exchange_record()))


@pytest.mark.parametrize(
    ("outer", "inner", "effect"),
    [
        ("true", True, Effect.READ),
        ("false", False, Effect.WRITE),
        (None, True, Effect.READ),
        ("true", None, Effect.READ),
        (None, False, Effect.WRITE),
        ("true", False, Effect.UNKNOWN),
        ("false", True, Effect.UNKNOWN),
        (None, None, Effect.UNKNOWN),
        ("perhaps", None, Effect.UNKNOWN),
    ],
)
def test_whether_it_only_read(outer: str | None, inner: bool | None, effect: Effect) -> None:
    """Only what both say, where both say something; doubt is marked."""
    event = parsed(call_record(readOnly=inner), ReadOnly=outer)
    assert event.effect is effect
    assert event.marked is (effect is not Effect.READ)


@pytest.mark.parametrize("text", [None, "", "{", "[]", "null", "[" * 100_000, 7])
def test_a_record_that_cannot_be_read_leaves_the_event(text: object) -> None:
    """What stands outside it is kept, and that it cannot be read shows."""
    event = parsed(exchange_record(), CloudTrailEvent=text, ReadOnly=None)
    assert (event.name, event.time) == ("AssumeRoleWithWebIdentity", AT)
    assert event.marked
    assert (event.role_arn, event.identity_provider, event.issued_key_id) == ("", "", None)


def test_text_of_others_is_printable_and_short() -> None:
    """Line breaks, terminal codes and turned writing are how one line becomes another."""
    hostile = "a\x1b[31mb\nc\u202ed\u2028e\x00" + "x" * 1000
    event = parsed(call_record(sourceIPAddress=hostile, errorCode=hostile))
    assert event.source_ip.startswith("a[31mbcdexx")
    assert len(event.source_ip) <= 256
    assert event.source_ip.endswith("…")
    assert len(event.error_code or "") <= 128


@pytest.mark.parametrize(
    "key",
    ["asia0123456789abcdef", "ASIA", "ASIA0123456789ABCDEF\n", "A" * 200, 7, None, ["A" * 20]],
)
def test_what_is_no_access_key_is_none(key: object) -> None:
    """A key that matches by its beginning would match another."""
    credentials = {"accessKeyId": key}
    event = parsed(exchange_record(responseElements={"credentials": credentials}))
    assert event.issued_key_id is None


def test_the_time_of_the_record_stands_in() -> None:
    """And where there is none, the event is older than everything."""
    assert parsed(call_record(), EventTime=None).time == datetime(2026, 11, 24, 12, 3, tzinfo=UTC)
    for said in ("yesterday", "2026-11-24T12:00:00", 7, None):
        event = found(call_record(), EventTime=None)
        event["CloudTrailEvent"] = json.dumps(call_record(eventTime=said))
        assert parse_event(event, region="us-east-1").time == UNTOLD


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=8,
)


@given(part=st.sampled_from(sorted(exchange_record())), value=JSON)
def test_no_record_is_too_strange(part: str, value: object) -> None:
    """Every member may be anything: the event is there, and its texts are printable."""
    strange = found(exchange_record())
    strange["CloudTrailEvent"] = json.dumps({**exchange_record(), part: value})
    event = parse_event(strange, region="us-east-1")
    assert event.event_id == "bEXAMPLE-0b30-4246-b28c-e3da3EXAMPLE"
    assert event.session_name.isprintable()
    assert event.source_ip.isprintable()


@given(name=st.sampled_from(sorted(found(exchange_record()))), value=JSON)
@example(name="EventName", value="\xa0")
def test_no_answer_is_too_strange(name: str, value: object) -> None:
    """The same for what stands around the record."""
    event = parse_event({**found(exchange_record()), name: value}, region="us-east-1")
    assert all(text.isprintable() for text in (event.name, event.source, event.user_name))
