"""Support tickets: the reason for every access."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from broker.domain.identifiers import AccountId, EngineerId, TicketId
from broker.domain.times import Timestamp


class TicketStatus(StrEnum):
    """Only an open ticket is a reason."""

    OPEN = "open"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """One ticket as its source last told it; no assignees means any engineer.

    `silent_since` is when its source was first asked for it in vain, None while it answers.
    """

    ticket_id: TicketId
    account_ids: tuple[AccountId, ...]
    subject: str
    status: TicketStatus
    assignees: tuple[EngineerId, ...]
    updated_at: Timestamp
    silent_since: Timestamp | None = None

    def says_the_same(self, other: Ticket) -> bool:
        """Whether both are open or closed alike, to the same people and for the same accounts."""
        return _told(self) == _told(other)


def _told(ticket: Ticket) -> tuple[object, ...]:
    return (
        ticket.ticket_id,
        ticket.account_ids,
        ticket.subject,
        ticket.status,
        ticket.assignees,
    )
