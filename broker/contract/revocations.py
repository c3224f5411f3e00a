"""The models of `/v1/revocations`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Self

from pydantic import Field, model_validator

from broker.contract.base import Answer, Body, ShortText
from broker.domain.identifiers import AccountId, EngineerId, SessionId, TicketId
from broker.domain.revocations import Everything, OfAccount, OfEngineer, OfTicket, Scope

if TYPE_CHECKING:
    from broker.services.revocation.mass_revoking import Revoked

ScopeName = Literal["engineer", "ticket", "account", "everything"]


class RevocationBody(Body):
    """What shall end, and why: exactly one of engineer, ticket, account and everything."""

    engineer: EngineerId | None = None
    ticket: TicketId | None = None
    account_id: AccountId | None = None
    everything: Literal[True] | None = None
    reason: ShortText

    @model_validator(mode="after")
    def _names_one_scope(self) -> Self:
        if len(self._named()) != 1:
            raise ValueError("must name one of engineer, ticket, account_id and everything")
        return self

    @property
    def scope(self) -> Scope:
        """What is named."""
        return self._named()[0]

    @property
    def scope_name(self) -> ScopeName:
        """Which kind it is of."""
        match self.scope:
            case OfEngineer():
                return "engineer"
            case OfTicket():
                return "ticket"
            case OfAccount():
                return "account"
            case Everything():
                return "everything"

    def _named(self) -> list[Scope]:
        named: list[Scope] = []
        if self.engineer is not None:
            named.append(OfEngineer(self.engineer))
        if self.ticket is not None:
            named.append(OfTicket(self.ticket))
        if self.account_id is not None:
            named.append(OfAccount(self.account_id))
        if self.everything is not None:
            named.append(Everything())
        return named


class ManyRevokedAnswer(Answer):
    """What was ended, and whether AWS knows: `pending` where it does not in every account yet.

    `seconds` is how long that took. Each session shows how far its own revocation has come.
    """

    scope: ScopeName
    sessions: list[SessionId]
    accounts: list[AccountId]
    grants: int = Field(description="Grants, and requests for them, that were ended now.")
    state: Literal["applied", "pending"]
    seconds: float

    @classmethod
    def of(cls, revoked: Revoked, scope: ScopeName) -> ManyRevokedAnswer:
        """The answer for what was ended."""
        return cls(
            scope=scope,
            sessions=list(revoked.sessions),
            accounts=list(revoked.accounts),
            grants=revoked.grants,
            state="pending" if revoked.pending else "applied",
            seconds=revoked.seconds,
        )
