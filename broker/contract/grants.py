"""The models of `/v1/grants`."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from broker.contract.base import AccountListQuery, Answer, Body, LongText
from broker.domain.grant_decisions import GrantRequest
from broker.domain.grants import Access, Grant, GrantState, Urgency
from broker.domain.identifiers import AccountId, EngineerId, GrantId, TicketId
from broker.domain.times import Timestamp

if TYPE_CHECKING:
    from broker.services.access.approval_links import MadeLink


class GrantBody(Body):
    """A grant to ask for; `on_behalf_of` is for consoles, `break_glass` for emergencies."""

    account_id: AccountId
    ticket: TicketId
    reason: LongText = ""
    access: Access = Access.READ
    duration_seconds: Annotated[int, Field(ge=900, le=10_000_000)] = 3600
    break_glass: bool = False
    on_behalf_of: EngineerId | None = None

    def request(self, *, engineer: EngineerId) -> GrantRequest:
        """What is asked for, for `engineer`."""
        return GrantRequest(
            account_id=self.account_id,
            ticket_id=self.ticket,
            engineer=engineer,
            access=self.access,
            reason=self.reason,
            duration=timedelta(seconds=self.duration_seconds),
            urgency=Urgency.BREAK_GLASS if self.break_glass else Urgency.ROUTINE,
        )


class DecisionBody(Body):
    """Why it is decided so; both sides read it in the ledger."""

    reason: LongText = ""


class ApprovalLinkBody(Body):
    """Who is to decide through the link: the subject that they sign in as."""

    approver: EngineerId


class GrantListQuery(AccountListQuery):
    """Which part of the grants, and which of them."""

    ticket: TicketId | None = None
    state: GrantState | None = None
    engineer: EngineerId | None = None


class GrantAnswer(Answer):
    """A grant, or a request for one.

    `expires_at` is when a request lapses, and once it is approved, when the grant ends.
    """

    id: GrantId
    account_id: AccountId
    ticket: TicketId
    engineer: EngineerId
    access: Access
    reason: str
    urgency: Urgency
    state: GrantState
    duration_seconds: int
    requested_by: str | None
    approver: str | None
    created_at: Timestamp
    decided_at: Timestamp | None
    decision_reason: str | None
    expires_at: Timestamp

    @classmethod
    def of(cls, grant: Grant, *, now: datetime) -> GrantAnswer:
        """The answer for `grant` as it is at `now`."""
        return cls(
            id=grant.grant_id,
            account_id=grant.account_id,
            ticket=grant.ticket_id,
            engineer=grant.engineer,
            access=grant.access,
            reason=grant.reason,
            urgency=grant.urgency,
            state=grant.state_at(now),
            duration_seconds=int(grant.duration.total_seconds()),
            requested_by=grant.requested_by,
            approver=grant.approver,
            created_at=grant.created_at,
            decided_at=grant.decided_at,
            decision_reason=grant.decision_reason,
            expires_at=grant.expires_at,
        )


class GrantPage(Answer):
    """A part of the grants."""

    items: list[GrantAnswer]
    next: str | None


class ApprovalLinkAnswer(Answer):
    """A link for one decision, shown once."""

    url: Annotated[str, Field(repr=False)]
    expires_at: Timestamp

    @classmethod
    def of(cls, made: MadeLink) -> ApprovalLinkAnswer:
        """The answer for a link just made."""
        return cls(url=made.url, expires_at=made.expires_at)
