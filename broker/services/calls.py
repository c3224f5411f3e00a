"""Who asks, and what the ledger is told of it: every use case takes a `Call`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from broker.domain.ledger import Detail, Event, LedgerAction, Outcome
from broker.domain.permissions import Caller


@dataclass(frozen=True, slots=True, kw_only=True)
class BrowserStanding:
    """What a page needs to know of the session that it is shown under."""

    csrf_token: str = field(repr=False)
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One authenticated request: who, under which request id, from which address."""

    caller: Caller
    request_id: str
    source_address: str
    browser: BrowserStanding | None = None

    def event(
        self,
        action: LedgerAction,
        outcome: Outcome,
        *,
        reason: str | None = None,
        ids: Mapping[str, str] | None = None,
        details: Mapping[str, Detail] | None = None,
    ) -> Event:
        """What happened, with the actor, the request id and the source address filled in."""
        return Event(
            actor=self.caller.subject,
            action=action,
            outcome=outcome,
            reason=reason,
            ids={"request": self.request_id, **(ids or {})},
            details={"source_address": self.source_address, **(details or {})},
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """A request of which nobody knows yet who sent it."""

    request_id: str
    source_address: str

    def call_of(self, caller: Caller, browser: BrowserStanding | None = None) -> Call:
        """The call, now that it is known who is calling."""
        return Call(
            caller=caller,
            request_id=self.request_id,
            source_address=self.source_address,
            browser=browser,
        )
