"""The model of `/v1/me`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from broker.contract.base import Answer
from broker.domain.identifiers import AccountId
from broker.domain.identity.permissions import Action, EstablishedBy, Role, may_ever
from broker.domain.times import Timestamp

if TYPE_CHECKING:
    from broker.services.calls import Call


class SelfAnswer(Answer):
    """Who is calling, and what the caller's roles may do."""

    subject: str
    roles: list[Role]
    account_ids: list[AccountId]
    actions: list[Action]
    signed_in_by: EstablishedBy
    session_expires_at: Timestamp | None
    csrf_token: Annotated[str | None, Field(repr=False)]

    @classmethod
    def of(cls, call: Call) -> SelfAnswer:
        """The answer for whoever makes `call`."""
        caller = call.caller
        return cls(
            subject=caller.subject,
            roles=sorted(caller.roles),
            account_ids=sorted(caller.account_ids),
            actions=[action for action in Action if may_ever(caller, action)],
            signed_in_by=caller.established_by,
            session_expires_at=caller.until,
            csrf_token=call.csrf_token,
        )
