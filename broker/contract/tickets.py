"""The models of `/v1/tickets`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from broker.contract.base import Answer, Body, LongText
from broker.domain.identifiers import AccountId, EngineerId, TicketId
from broker.domain.tickets import Ticket, TicketStatus
from broker.domain.times import Timestamp


class TicketBody(Body):
    """A ticket as the console tells it; no assignees means any engineer."""

    account_ids: Annotated[list[AccountId], Field(max_length=100)]
    subject: LongText = ""
    status: TicketStatus
    assignees: Annotated[list[EngineerId], Field(max_length=100)] = Field(default_factory=list)


class TicketAnswer(Answer):
    """A ticket."""

    id: TicketId
    account_ids: list[AccountId]
    subject: str
    status: TicketStatus
    assignees: list[EngineerId]
    updated_at: Timestamp

    @classmethod
    def of(cls, ticket: Ticket) -> TicketAnswer:
        """The answer for `ticket`."""
        return cls(
            id=ticket.ticket_id,
            account_ids=list(ticket.account_ids),
            subject=ticket.subject,
            status=ticket.status,
            assignees=list(ticket.assignees),
            updated_at=ticket.updated_at,
        )


class TicketPage(Answer):
    """A part of the tickets."""

    items: list[TicketAnswer]
    next: str | None
