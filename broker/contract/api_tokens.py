"""The models of `/v1/tokens`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AwareDatetime, Field, field_validator

from broker.contract.base import Answer, Body
from broker.domain.identifiers import AccountId, EngineerId
from broker.domain.identity.api_tokens import ApiToken
from broker.domain.identity.permissions import Role
from broker.domain.times import Timestamp


class ApiTokenBody(Body):
    """An API token to make."""

    subject: EngineerId
    roles: Annotated[list[Role], Field(min_length=1, max_length=len(Role))]
    account_ids: Annotated[list[AccountId], Field(max_length=1000)] = Field(default_factory=list)
    expires_at: AwareDatetime

    @field_validator("expires_at")
    @classmethod
    def _in_utc(cls, value: datetime) -> datetime:
        try:
            return value.astimezone(UTC)
        except OverflowError as e:
            raise ValueError("is not a time that can be told in UTC") from e


class ApiTokenAnswer(Answer):
    """An API token without its secret."""

    id: str
    subject: str
    roles: list[Role]
    account_ids: list[AccountId]
    created_at: Timestamp
    expires_at: Timestamp
    revoked_at: Timestamp | None
    last_used_at: Timestamp | None
    """To the minute, and a moment late."""

    @classmethod
    def of(cls, token: ApiToken, last_used_at: datetime | None = None) -> ApiTokenAnswer:
        """The answer for `token`."""
        return cls(
            id=token.token_id,
            subject=token.subject,
            roles=list(token.roles),
            account_ids=list(token.account_ids),
            created_at=token.created_at,
            expires_at=token.expires_at,
            revoked_at=token.revoked_at,
            last_used_at=last_used_at,
        )


class CreatedApiTokenAnswer(ApiTokenAnswer):
    """An API token just made: `secret` is the whole bearer token, shown once."""

    secret: Annotated[str, Field(repr=False)]


class ApiTokenPage(Answer):
    """A part of the API tokens."""

    items: list[ApiTokenAnswer]
    next: str | None
