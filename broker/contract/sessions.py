"""The models of `/v1/sessions`."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, field_validator

from broker.contract.base import Answer, Body, LongText
from broker.domain.grants import Access
from broker.domain.iam_documents import session_policy
from broker.domain.identifiers import (
    AccountId,
    EngineerId,
    GrantId,
    ServiceName,
    SessionId,
    TicketId,
)
from broker.domain.sessions import USUAL, Credentials, Length, Session, SessionRequest
from broker.domain.times import Timestamp

_WORD = Field(pattern=r"^[!-~]+$")
"""Credentials are written into files and shells, line by line: what holds more than one line, or
quotes of other writings, is none of AWS's."""


class SessionBody(Body):
    """A session to open; `services` narrows it, `on_behalf_of` is for consoles.

    Without `duration_seconds` it lasts an hour, or as long as its grant where that ends earlier.
    """

    account_id: AccountId
    ticket: TicketId
    reason: LongText = ""
    access: Access = Access.READ
    duration_seconds: Annotated[int, Field(ge=900, le=1_000_000)] | None = None
    services: Annotated[list[ServiceName], Field(max_length=200)] = Field(default_factory=list)
    grant_id: GrantId | None = None
    on_behalf_of: EngineerId | None = None

    @field_validator("services")
    @classmethod
    def _fits_a_session_policy(cls, value: list[ServiceName]) -> list[ServiceName]:
        session_policy(value)
        return value

    @property
    def duration(self) -> timedelta:
        """How long the session shall last."""
        if self.duration_seconds is None:
            return USUAL
        return timedelta(seconds=self.duration_seconds)

    @property
    def length(self) -> Length:
        """Whether it may be shorter than that."""
        return Length.AT_MOST if self.duration_seconds is None else Length.EXACT

    def request(self, *, engineer: EngineerId) -> SessionRequest:
        """What is asked for, for `engineer`."""
        return SessionRequest(
            account_id=self.account_id,
            ticket_id=self.ticket,
            engineer=engineer,
            reason=self.reason,
            access=self.access,
            duration=self.duration,
            length=self.length,
            services=tuple(sorted(set(self.services))),
            grant_id=self.grant_id,
        )


class RevocationAnswer(Answer):
    """How far a revocation has come, and how many seconds after it was written down.

    `pending`: written down; `applied`: the Deny stands in the account; `effective`: AWS was seen
    to refuse.
    """

    state: Literal["pending", "applied", "effective"]
    seconds: float | None

    @classmethod
    def of(cls, session: Session) -> RevocationAnswer | None:
        """The answer for `session`; None where it was not revoked."""
        if session.revoked_at is None:
            return None
        if session.refused_at is not None:
            return cls(state="effective", seconds=_seconds(session.revoked_at, session.refused_at))
        if session.denied_at is not None:
            return cls(state="applied", seconds=_seconds(session.revoked_at, session.denied_at))
        return cls(state="pending", seconds=None)


class SessionAnswer(Answer):
    """A session, never with its credentials."""

    id: SessionId
    account_id: AccountId
    ticket: TicketId
    engineer: EngineerId
    access: Access
    grant_id: GrantId
    role_arn: str
    role_session_name: str
    access_key_id: str
    kid: str
    jti: str
    services: list[ServiceName]
    issued_at: Timestamp
    expires_at: Timestamp
    revoked_at: Timestamp | None
    revocation: RevocationAnswer | None

    @classmethod
    def of(cls, session: Session) -> SessionAnswer:
        """The answer for `session`."""
        return cls(
            id=session.session_id,
            account_id=session.account_id,
            ticket=session.ticket_id,
            engineer=session.engineer,
            access=session.access,
            grant_id=session.grant_id,
            role_arn=session.role_arn,
            role_session_name=session.role_session_name,
            access_key_id=session.access_key_id,
            kid=session.kid,
            jti=session.jti,
            services=list(session.services),
            issued_at=session.issued_at,
            expires_at=session.expires_at,
            revoked_at=session.revoked_at,
            revocation=RevocationAnswer.of(session),
        )


class CredentialsAnswer(Answer):
    """Credentials, given once."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    access_key_id: Annotated[str, _WORD]
    secret_access_key: Annotated[str, _WORD, Field(repr=False)]
    session_token: Annotated[str, _WORD, Field(repr=False)]
    expiration: Timestamp

    @classmethod
    def of(cls, credentials: Credentials) -> CredentialsAnswer:
        """The answer for `credentials`."""
        return cls(
            access_key_id=credentials.access_key_id,
            secret_access_key=credentials.secret_access_key,
            session_token=credentials.session_token,
            expiration=credentials.expiration,
        )


class OpenedSessionAnswer(Answer):
    """A session just opened, with its credentials."""

    session: SessionAnswer
    credentials: CredentialsAnswer


class SessionPage(Answer):
    """A part of the sessions."""

    items: list[SessionAnswer]
    next: str | None


def _seconds(since: datetime, until: datetime) -> float:
    return (until - since).total_seconds()
