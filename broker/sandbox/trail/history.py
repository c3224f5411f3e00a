"""The events of every account, and what LookupEvents finds among them.

Source: CloudTrail API, LookupEvents: one filter, times included at both ends, newest first, at
most 50 events an answer, a token that goes with the parameters that gave it, two requests a second
for each account and Region. Events show at once here; AWS takes up to 15 minutes.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from threading import Lock
from typing import Any

KEPT = 20_000
"""Events of an account in a Region; the oldest go first."""

LARGEST_PART = 50
RATE = 2


class LookUpRefusedError(Exception):
    """LookupEvents refuses the request, with AWS's code."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(f"{code}: {text}")
        self.code = code
        self.text = text


@dataclass(frozen=True, kw_only=True)
class HistoryEvent:
    """One event: `record` is the documented record, the rest what LookupEvents filters by."""

    number: int = 0
    at: datetime
    user_name: str
    record: Mapping[str, Any] = field(repr=False)
    resources: tuple[tuple[str, str], ...] = ()
    """Type and name of each."""

    def attribute(self, key: str) -> frozenset[str]:
        """The values by which an event can be looked up under `key`."""
        record = self.record
        values = {
            "AccessKeyId": [record["userIdentity"].get("accessKeyId", "")],
            "EventId": [record["eventID"]],
            "EventName": [record["eventName"]],
            "EventSource": [record["eventSource"]],
            "ReadOnly": [str(record["readOnly"]).lower()],
            "ResourceName": [name for _, name in self.resources],
            "ResourceType": [kind for kind, _ in self.resources],
            "Username": [self.user_name],
        }
        if key not in values:
            raise LookUpRefusedError("InvalidLookupAttributesException", f"There is no {key}.")
        return frozenset(values[key])

    def answer(self) -> dict[str, Any]:
        """The element of `Events` (API model, Event)."""
        record = self.record
        return {
            "EventId": record["eventID"],
            "EventName": record["eventName"],
            "ReadOnly": str(record["readOnly"]).lower(),
            "AccessKeyId": record["userIdentity"].get("accessKeyId", ""),
            "EventTime": self.at.timestamp(),
            "EventSource": record["eventSource"],
            "Username": self.user_name,
            "Resources": [
                {"ResourceType": kind, "ResourceName": name} for kind, name in self.resources
            ],
            "CloudTrailEvent": json.dumps(record),
        }


Place = tuple[str, str]
"""Account and Region."""


class EventHistory:
    """Keeps events and looks them up."""

    def __init__(self, *, seconds: Callable[[], float] = time.monotonic) -> None:
        """`seconds` is what the rate is counted by."""
        self._seconds = seconds
        self._lock = Lock()
        self._numbers = 0
        self._events: dict[Place, deque[HistoryEvent]] = {}
        self._allowance: dict[Place, tuple[float, float]] = {}

    def add(self, place: Place, event: HistoryEvent) -> None:
        """Keep an event."""
        with self._lock:
            self._numbers += 1
            numbered = HistoryEvent(
                number=self._numbers,
                at=event.at,
                user_name=event.user_name,
                record=event.record,
                resources=event.resources,
            )
            self._events.setdefault(place, deque(maxlen=KEPT)).append(numbered)

    def look_up(self, place: Place, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """LookupEvents's answer. Raises LookUpRefusedError."""
        self._spend(place)
        query = {name: value for name, value in parameters.items() if name != "NextToken"}
        size = _size(query)
        before = _before(parameters.get("NextToken"), query)
        with self._lock:
            events = list(self._events.get(place, ()))
        matches = _filter(query)
        found = [
            event
            for event in reversed(events)
            if (before is None or event.number < before) and matches(event)
        ]
        answer: dict[str, Any] = {"Events": [event.answer() for event in found[:size]]}
        if len(found) > size:
            answer["NextToken"] = _token(found[size - 1].number, query)
        return answer

    def _spend(self, place: Place) -> None:
        """Two at once, and two more each second."""
        with self._lock:
            now = self._seconds()
            left, at = self._allowance.get(place, (float(RATE), now))
            left = min(float(RATE), left + (now - at) * RATE)
            if left < 1:
                self._allowance[place] = (left, now)
                raise LookUpRefusedError("ThrottlingException", "Rate exceeded")
            self._allowance[place] = (left - 1, now)


def _size(query: Mapping[str, Any]) -> int:
    size = query.get("MaxResults", LARGEST_PART)
    if not isinstance(size, int) or not 1 <= size <= LARGEST_PART:
        raise LookUpRefusedError(
            "InvalidMaxResultsException", f"MaxResults must be between 1 and {LARGEST_PART}."
        )
    return size


def _filter(query: Mapping[str, Any]) -> Callable[[HistoryEvent], bool]:
    attributes = query.get("LookupAttributes", [])
    if len(attributes) > 1:
        raise LookUpRefusedError(
            "InvalidLookupAttributesException", "You can only use one attribute at a time."
        )
    since, until = _time(query.get("StartTime")), _time(query.get("EndTime"))
    if since is not None and until is not None and since > until:
        raise LookUpRefusedError("InvalidTimeRangeException", "StartTime is after EndTime.")

    def matches(event: HistoryEvent) -> bool:
        return (
            (since is None or event.at >= since)
            and (until is None or event.at <= until)
            and all(
                each["AttributeValue"] in event.attribute(each["AttributeKey"])
                for each in attributes
            )
        )

    return matches


def _time(value: object) -> datetime | None:
    """The JSON protocol sends times as seconds since 1970."""
    if value is None:
        return None
    if not isinstance(value, int | float):
        raise LookUpRefusedError("InvalidTimeRangeException", "A time must be a number.")
    return datetime.fromtimestamp(value, UTC)


def _token(number: int, query: Mapping[str, Any]) -> str:
    return f"{number}.{_digest(query)}"


def _before(token: object, query: Mapping[str, Any]) -> int | None:
    if token is None:
        return None
    number, _, digest = str(token).partition(".")
    if not number.isdigit() or digest != _digest(query):
        raise LookUpRefusedError(
            "InvalidNextTokenException", "The token goes with other parameters."
        )
    return int(number)


def _digest(query: Mapping[str, Any]) -> str:
    text = json.dumps(query, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:32]
