"""The models of a session's activity and of the trail's reconciliation with the ledger."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

from pydantic import AwareDatetime, Field, field_validator

from broker.contract.base import Answer, Body, ListQuery
from broker.domain.identifiers import AccountId
from broker.domain.times import Timestamp
from broker.domain.trail.comparison import Missing
from broker.domain.trail.events import DELAY, Effect, TrailEvent, Unseen
from broker.domain.trail.reconciliations import Reconciliation, RegionSeen, Sight, Verdict

if TYPE_CHECKING:
    from broker.services.trail.activity import Activity

_REGION = r"[a-z]{2}(-[a-z]+)+-[0-9]{1,2}"
_MINUTES = int(DELAY.total_seconds()) // 60

DELAY_NOTE = (
    f"CloudTrail shows an event up to {_MINUTES} minutes late. It holds management events only: "
    "what was done to single objects and items is not in it."
)


def _require_regions(names: Iterable[str]) -> None:
    if not all(re.fullmatch(_REGION, name) for name in names):
        raise ValueError("must be names of Regions, like eu-central-1")


class ActivityQuery(ListQuery):
    """Which part of a session's activity; `region` names more Regions, separated by commas."""

    region: Annotated[
        str,
        Field(max_length=1000, json_schema_extra={"pattern": rf"^({_REGION}(,{_REGION})*)?$"}),
    ] = ""
    cursor: Annotated[str, Field(max_length=8000)] | None = None

    @field_validator("region")
    @classmethod
    def _names_regions(cls, value: str) -> str:
        if value:
            _require_regions(value.split(","))
        return value

    @property
    def regions(self) -> tuple[str, ...]:
        """The Regions that are asked for beside the usual."""
        return tuple(filter(None, self.region.split(",")))


class TrailEventAnswer(Answer):
    """One event of the customer's trail; `marked` unless it certainly only read."""

    event_id: str
    time: Timestamp
    name: str
    source: str
    region: str
    read_only: bool | None
    marked: bool
    error_code: str | None
    source_ip: str
    user_name: str
    access_key_id: str
    resources: list[str]

    @classmethod
    def of(cls, event: TrailEvent) -> TrailEventAnswer:
        """The answer for `event`."""
        known = event.effect is not Effect.UNKNOWN
        return cls(
            event_id=event.event_id,
            time=event.time,
            name=event.name,
            source=event.source,
            region=event.region,
            read_only=event.effect is Effect.READ if known else None,
            marked=event.marked,
            error_code=event.error_code,
            source_ip=event.source_ip,
            user_name=event.user_name,
            access_key_id=event.access_key_id,
            resources=list(event.resources),
        )


class UnseenRegionAnswer(Answer):
    """A Region that could not be looked at."""

    region: str
    reason: Unseen


class ActivityPage(Answer):
    """A part of what a session did, Region by Region, in each the newest first."""

    items: list[TrailEventAnswer]
    regions: list[str]
    unseen_regions: list[UnseenRegionAnswer]
    complete: bool
    delay_note: str
    next: str | None

    @classmethod
    def of(cls, activity: Activity) -> ActivityPage:
        """The answer for `activity`."""
        return cls(
            items=[TrailEventAnswer.of(event) for event in activity.events],
            regions=list(activity.regions),
            unseen_regions=[
                UnseenRegionAnswer(region=region, reason=reason)
                for region, reason in activity.unseen
            ],
            complete=activity.complete,
            delay_note=DELAY_NOTE,
            next=activity.next,
        )


class ReconciliationBody(Body):
    """From when to when (now, if not said), and where: empty for every Region of the partition."""

    since: Annotated[AwareDatetime, Field(alias="from")]
    until: Annotated[AwareDatetime | None, Field(alias="to")] = None
    regions: Annotated[list[str], Field(max_length=100)] = Field(default_factory=list)

    @field_validator("since", "until")
    @classmethod
    def _in_utc(cls, value: datetime | None) -> datetime | None:
        try:
            return None if value is None else value.astimezone(UTC)
        except OverflowError as e:
            raise ValueError("is not a time that can be told in UTC") from e

    @field_validator("regions")
    @classmethod
    def _are_regions(cls, value: list[str]) -> list[str]:
        _require_regions(value)
        return value


class ExchangeAnswer(Answer):
    """An AssumeRoleWithWebIdentity event; without `issued_key_id` AWS gave no credentials."""

    event_id: str
    time: Timestamp
    region: str
    source_ip: str
    error_code: str | None
    role_arn: str
    session_name: str
    session_id: str
    ticket: str
    source_identity: str
    subject: str
    identity_provider: str
    issued_key_id: str | None

    @classmethod
    def of(cls, event: TrailEvent) -> ExchangeAnswer:
        """The answer for `event`."""
        return cls(
            event_id=event.event_id,
            time=event.time,
            region=event.region,
            source_ip=event.source_ip,
            error_code=event.error_code,
            role_arn=event.role_arn,
            session_name=event.session_name,
            session_id=event.session_id,
            ticket=event.ticket,
            source_identity=event.source_identity,
            subject=event.subject,
            identity_provider=event.identity_provider,
            issued_key_id=event.issued_key_id,
        )


class MissingSessionAnswer(Answer):
    """A session of the ledger that the trail does not show."""

    session_id: str
    role_session_name: str
    access_key_id: str
    at: Timestamp

    @classmethod
    def of(cls, missing: Missing) -> MissingSessionAnswer:
        """The answer for `missing`."""
        return cls(
            session_id=missing.session_id,
            role_session_name=missing.role_session_name,
            access_key_id=missing.access_key_id,
            at=missing.at,
        )


class RegionAnswer(Answer):
    """How much of a Region was looked at; `back_to` where time ran out."""

    region: str
    sight: Sight
    back_to: Timestamp | None

    @classmethod
    def of(cls, seen: RegionSeen) -> RegionAnswer:
        """The answer for one Region."""
        return cls(region=seen.region, sight=seen.sight, back_to=seen.back_to)


class ReconciliationAnswer(Answer):
    """The trail against the ledger, both ways; the verdict is the worst that applies."""

    account_id: AccountId
    verdict: Verdict
    since: Annotated[Timestamp, Field(alias="from")]
    until: Annotated[Timestamp, Field(alias="to")]
    settled_until: Timestamp
    delay_note: str
    complete: bool
    regions: list[RegionAnswer]
    matched: int
    unfinished: list[ExchangeAnswer]
    unknown: list[ExchangeAnswer]
    missing: list[MissingSessionAnswer]

    @classmethod
    def of(cls, made: Reconciliation) -> ReconciliationAnswer:
        """The answer for a reconciliation."""
        found = made.comparison
        return cls.model_validate(
            {
                "account_id": made.account_id,
                "verdict": made.verdict,
                "from": made.since,
                "to": made.until,
                "settled_until": made.settled_until,
                "delay_note": DELAY_NOTE,
                "complete": made.complete,
                "regions": [RegionAnswer.of(seen) for seen in made.regions],
                "matched": found.matched,
                "unfinished": [ExchangeAnswer.of(event) for event in found.unfinished],
                "unknown": [ExchangeAnswer.of(event) for event in found.unknown],
                "missing": [MissingSessionAnswer.of(missing) for missing in found.missing],
            }
        )
