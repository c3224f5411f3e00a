"""What a customer's CloudTrail says: events, parsed from what LookupEvents answers.

Everything here was written by others, part of it by whoever made the call: texts are cut, control
and formatting characters are taken out, and what is not named here is not kept; above all no
credentials. Sources: CloudTrail API, LookupEvents; CloudTrail user guide, record contents.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from broker.domain.claims import SESSION_TAG, TICKET_TAG

DELAY = timedelta(minutes=15)
"""How late an event may come (CloudTrail user guide: on average within about 5 minutes, and
LookupEvents is documented as up to 15)."""

KEPT = timedelta(days=90)
"""How far back LookupEvents reaches."""

EXCHANGE = "AssumeRoleWithWebIdentity"
"""The event by which every session of a support role begins."""

UNTOLD = datetime.min.replace(tzinfo=UTC)
"""The time of an event that tells none."""

_TEXT = 256
_NAME = 128
_RESOURCES = 20
_TAGS = 50
_ACCESS_KEY = re.compile(r"[A-Z0-9]{16,128}")


class LookupKey(StrEnum):
    """By what LookupEvents filters; it takes one of these at a time."""

    USER_NAME = "Username"
    EVENT_NAME = "EventName"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrailQuery:
    """Which events are looked for; both times are included."""

    key: LookupKey
    value: str
    since: datetime
    until: datetime


class Effect(StrEnum):
    """Whether an event only read."""

    READ = "read"
    WRITE = "write"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrailEvent:
    """One event. Texts are bounded and printable; empty where the trail does not say.

    `session_name` and `session_id` are those of the session that an exchange asked for;
    `issued_key_id` is the access key that it gave out, and None where AWS refused.
    """

    event_id: str
    time: datetime
    name: str
    source: str
    region: str
    user_name: str
    access_key_id: str
    source_ip: str
    effect: Effect
    error_code: str | None
    resources: tuple[str, ...]
    role_arn: str = ""
    identity_provider: str = ""
    subject: str = ""
    source_identity: str = ""
    session_name: str = ""
    session_id: str = ""
    ticket: str = ""
    issued_key_id: str | None = None

    @property
    def marked(self) -> bool:
        """Whether somebody should look at it: it was no reading, or nobody can tell."""
        return self.effect is not Effect.READ


@dataclass(frozen=True, slots=True)
class TrailPart:
    """Events of one Region, newest first; `next` leads to older ones, None at the end."""

    events: tuple[TrailEvent, ...]
    next: str | None


class Unseen(StrEnum):
    """Why a Region could not be looked at."""

    NOT_ENABLED = "not_enabled"
    """The account does not use it, so nobody can have opened a session there either."""
    REFUSED = "refused"
    """Something in the customer's account or organisation forbids to look."""


def parse_event(found: Mapping[str, Any], *, region: str) -> TrailEvent:
    """One element of `Events` of LookupEvents, as boto3 gives it.

    An event whose record cannot be read is kept, with what stands outside the record; its effect
    is then unknown unless AWS itself says.
    """
    record = _record(found.get("CloudTrailEvent"))
    identity = _mapping(record.get("userIdentity"))
    asked = _mapping(record.get("requestParameters"))
    answered = _mapping(record.get("responseElements"))
    tags = _tags(asked.get("principalTags"))
    return TrailEvent(
        event_id=_text(found.get("EventId") or record.get("eventID"), _NAME),
        time=_time(found.get("EventTime"), record.get("eventTime")),
        name=_text(found.get("EventName") or record.get("eventName"), _NAME),
        source=_text(found.get("EventSource") or record.get("eventSource"), _NAME),
        region=_text(record.get("awsRegion"), _NAME) or region,
        user_name=_text(found.get("Username") or identity.get("userName")),
        access_key_id=_access_key(found.get("AccessKeyId") or identity.get("accessKeyId")) or "",
        source_ip=_text(record.get("sourceIPAddress")),
        effect=_effect(found.get("ReadOnly"), record.get("readOnly")),
        error_code=_text(record.get("errorCode"), _NAME) or None,
        resources=_resources(found.get("Resources")),
        role_arn=_text(asked.get("roleArn"), 2048),
        identity_provider=_text(identity.get("identityProvider") or answered.get("provider"), 2048),
        subject=_text(answered.get("subjectFromWebIdentityToken") or identity.get("userName")),
        source_identity=_source_identity(identity, asked),
        session_name=_text(asked.get("roleSessionName")),
        session_id=tags.get(SESSION_TAG, ""),
        ticket=tags.get(TICKET_TAG, ""),
        issued_key_id=_access_key(_mapping(answered.get("credentials")).get("accessKeyId")),
    )


def _record(text: object) -> Mapping[str, Any]:
    if not isinstance(text, str):
        return {}
    try:
        return _mapping(json.loads(text))
    except (ValueError, RecursionError):
        return {}


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: object, limit: int = _TEXT) -> str:
    """A printable line of at most `limit` characters; empty for what is no text."""
    if not isinstance(value, str):
        return ""
    cut = value[: limit + 1]
    shown = "".join(filter(str.isprintable, cut))
    return shown if len(cut) <= limit else f"{shown[: limit - 1]}…"


def _time(outer: object, inner: object) -> datetime:
    """When it happened, or `UNTOLD`."""
    if isinstance(outer, datetime) and outer.tzinfo is not None:
        return outer.astimezone(UTC)
    try:
        said = datetime.fromisoformat(inner) if isinstance(inner, str) else UNTOLD
    except ValueError:
        return UNTOLD
    return said.astimezone(UTC) if said.tzinfo else UNTOLD


def _effect(outer: object, inner: object) -> Effect:
    """LookupEvents says it as a text, the record as a boolean; they must not contradict."""
    said = {str(value).lower() for value in (outer, inner) if value is not None}
    return {
        frozenset({"true"}): Effect.READ,
        frozenset({"false"}): Effect.WRITE,
    }.get(frozenset(said), Effect.UNKNOWN)


def _resources(value: object) -> tuple[str, ...]:
    listed = value if isinstance(value, list) else []
    named = (
        " ".join(filter(None, (_text(each.get("ResourceType")), _text(each.get("ResourceName")))))
        for each in listed[:_RESOURCES]
        if isinstance(each, dict)
    )
    return tuple(filter(None, named))


def _tags(value: object) -> Mapping[str, str]:
    pairs: Iterable[tuple[str, Any]] = list(_mapping(value).items())[:_TAGS]
    return {key: _text(tag) for key, tag in pairs}


def _access_key(value: object) -> str | None:
    whole = isinstance(value, str) and _ACCESS_KEY.fullmatch(value) is not None
    return str(value) if whole else None


def _source_identity(identity: Mapping[str, Any], asked: Mapping[str, Any]) -> str:
    context = _mapping(identity.get("sessionContext"))
    return _text(context.get("sourceIdentity") or asked.get("sourceIdentity"))
