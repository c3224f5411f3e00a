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

    `next_check_at` is when the worker compares what was granted for it with what it still carries.
    """

    ticket_id: TicketId
    account_ids: tuple[AccountId, ...]
    subject: str
    status: TicketStatus
    assignees: tuple[EngineerId, ...]
    updated_at: Timestamp
    next_check_at: Timestamp | None = None
