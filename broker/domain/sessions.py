"""Sessions: one issue of credentials under a grant, and the credentials themselves."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from broker.domain.grants import Access
from broker.domain.identifiers import (
    AccountId,
    EngineerId,
    GrantId,
    ServiceName,
    SessionId,
    TicketId,
)
from broker.domain.times import Timestamp

SHORTEST = timedelta(seconds=900)
"""The shortest session that STS gives (AssumeRoleWithWebIdentity, DurationSeconds)."""

LONGEST_OF_AWS = timedelta(hours=12)
"""The longest that any role may allow (IAM, MaxSessionDuration)."""

USUAL = timedelta(hours=1)
"""How long a session lasts for which nobody names a length, where its grant lasts as long."""

_SESSION_NAME_LIMIT = 64


class Length(StrEnum):
    """How the duration that is asked for is meant."""

    EXACT = "exact"
    AT_MOST = "at most"
    """Where its grant ends earlier, the session may end with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRequest:
    """What an engineer asks for; `services` narrows the session to them where it is not empty."""

    account_id: AccountId
    ticket_id: TicketId
    engineer: EngineerId
    reason: str
    access: Access
    duration: timedelta
    length: Length = Length.EXACT
    services: tuple[ServiceName, ...] = ()
    grant_id: GrantId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One issue of credentials, as stored and shown: everything but the credentials.

    A revocation is written down (`revoked_at`), then its Deny stands in the account
    (`denied_at`), then AWS was seen to refuse (`refused_at`); `next_probe_at` is when AWS is asked
    again until it does.
    """

    session_id: SessionId
    account_id: AccountId
    ticket_id: TicketId
    engineer: EngineerId
    access: Access
    grant_id: GrantId
    role_arn: str
    role_session_name: str
    access_key_id: str
    kid: str
    jti: str
    services: tuple[ServiceName, ...]
    issued_at: Timestamp
    expires_at: Timestamp
    revoked_at: Timestamp | None = None
    denied_at: Timestamp | None = None
    refused_at: Timestamp | None = None
    next_probe_at: Timestamp | None = None


class Ending(Protocol):
    """What says when a session ends, as it is stored and as the API answers it."""

    @property
    def expires_at(self) -> datetime: ...
    @property
    def revoked_at(self) -> datetime | None: ...


def is_live(session: Ending, now: datetime) -> bool:
    """Whether the session's credentials may still be of use at `now`."""
    return session.revoked_at is None and now < session.expires_at


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """What STS returned. Handed to the caller once; never stored, logged or printed."""

    access_key_id: str
    secret_access_key: str = field(repr=False)
    session_token: str = field(repr=False)
    expiration: Timestamp


def role_session_name(engineer: EngineerId, ticket: TicketId, session: SessionId) -> str:
    """`<engineer>@<ticket>-<short session id>`, at most 64 of `[\\w+=,.@-]`.

    Every CloudTrail line carries it, so where the two do not fit, each keeps at least half.
    """
    room = _SESSION_NAME_LIMIT - len(f"@-{session.short}")
    for_ticket = min(len(ticket), max(room // 2, room - len(engineer)))
    for_engineer = room - for_ticket
    return f"{engineer[:for_engineer]}@{ticket[:for_ticket]}-{session.short}"
