"""The settings of a ticket system, a part of `broker.settings`."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field, SecretStr, ValidationInfo, field_validator

from broker.domain.ticket_sources.address import TicketUrl
from broker.domain.ticket_sources.shapes import Shape


class TicketSettings(BaseModel):
    """Where tickets come from. Without a URL they come from `PUT /v1/tickets/{ticket_id}`."""

    tickets_url: TicketUrl | None = None
    """Where the ticket system answers for one ticket, with `{ticket}` for its id."""

    tickets_token: SecretStr | None = None
    """What the broker authenticates with; `user:password` for Basic."""

    tickets_authorization: Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9-]{0,31}$")] = "Bearer"
    """The scheme that it is sent with: Bearer, Basic, or another one."""

    tickets_shape: Shape = Shape.PLAIN
    """Whose answers they are: plain, zendesk or jira."""

    tickets_accounts_field: str = ""
    """The field with account ids: a number for zendesk, `customfield_…` for jira."""

    tickets_email_domain: Annotated[str, Field(pattern=r"^[a-z0-9-]+(\.[a-z0-9-]+)+$")] | None = (
        None
    )
    """Engineers are called by what stands before the @ in addresses of this domain."""

    tickets_check_seconds: Annotated[int, Field(ge=5, le=40)] = 20
    """How often a ticket is looked at again while something is granted for it."""

    tickets_silence_seconds: Annotated[int, Field(ge=60, le=86400)] = 900
    """After so long without an answer about a ticket, what was granted for it ends."""

    @field_validator("tickets_token")
    @classmethod
    def _somebody_is_asked(cls, value: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        if value is None:
            return None
        if "tickets_url" in info.data and info.data["tickets_url"] is None:
            raise ValueError("is set without BROKER_TICKETS_URL")
        secret = value.get_secret_value()
        if not (secret.isascii() and secret.isprintable() and secret.strip() == secret != ""):
            raise ValueError("must be printable ASCII, without blanks around it")
        return value

    @field_validator("tickets_authorization")
    @classmethod
    def _basic_has_both_parts(cls, value: str, info: ValidationInfo) -> str:
        secret = info.data.get("tickets_token")
        if value.lower() == "basic" and secret and ":" not in secret.get_secret_value():
            raise ValueError("is Basic, so BROKER_TICKETS_TOKEN must be <user>:<password>")
        return value

    @field_validator("tickets_accounts_field")
    @classmethod
    def _field_fits_the_shape(cls, value: str, info: ValidationInfo) -> str:
        shape = info.data.get("tickets_shape")
        objection = shape.objection(value) if shape is not None else None
        if objection is not None:
            raise ValueError(objection)
        return value
