"""Grants: permission for one engineer, one account, one ticket and one access, until a time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from broker.domain.identifiers import AccountId, EngineerId, GrantId, TicketId
from broker.domain.times import Timestamp


class Access(StrEnum):
    """What a session may do: read the account, or raise AWS support cases for it."""

    READ = "read"
    CASE = "case"


class GrantState(StrEnum):
    """How a grant stands. `expired` is never stored: it follows from the time."""

    REQUESTED = "requested"
    APPROVED = "approved"
    DENIED = "denied"
    REVOKED = "revoked"
    EXPIRED = "expired"


class Urgency(StrEnum):
    """Whether a grant waits for approval. Breaking the glass skips that, for all to see."""

    ROUTINE = "routine"
    BREAK_GLASS = "break_glass"


BY_POLICY = "policy:standing"
"""The approver of a grant that the customer's standing consent approved."""

BY_BREAK_GLASS = "policy:break-glass"
"""The approver of a grant that somebody gave themselves."""


class Purpose(Protocol):
    """What sessions, grants and requests for them have in common: for whom, where, why and what."""

    @property
    def account_id(self) -> AccountId: ...
    @property
    def ticket_id(self) -> TicketId: ...
    @property
    def engineer(self) -> EngineerId: ...
    @property
    def access(self) -> Access: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """One grant as stored; ask `state_at` for its state.

    `expires_at` is when a request lapses, and once it is approved, when the grant ends.
    `duration` is how long it lasts from its approval on, `requested_by` who asked for it where
    that was not the engineer, and `decision_reason` what the last who decided on it gave as theirs.
    """

    grant_id: GrantId
    account_id: AccountId
    ticket_id: TicketId
    engineer: EngineerId
    access: Access
    reason: str
    decided: GrantState
    approver: str | None
    created_at: Timestamp
    expires_at: Timestamp
    urgency: Urgency = Urgency.ROUTINE
    duration: timedelta = timedelta(0)
    requested_by: str | None = None
    decided_at: Timestamp | None = None
    decision_reason: str | None = None

    def state_at(self, now: datetime) -> GrantState:
        """The state at `now`: an approved or requested grant expires by itself."""
        lapses = self.decided in (GrantState.REQUESTED, GrantState.APPROVED)
        return GrantState.EXPIRED if lapses and now >= self.expires_at else self.decided

    def covers(self, purpose: Purpose) -> bool:
        """Whether this grant is for exactly that engineer, account, ticket and access."""
        return (self.account_id, self.ticket_id, self.engineer, self.access) == (
            purpose.account_id,
            purpose.ticket_id,
            purpose.engineer,
            purpose.access,
        )
