"""Who asks, and what the ledger is told of it: every use case takes a `Call`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from broker.domain.identity.permissions import Caller
from broker.domain.ledger.entries import Detail, Event, LedgerAction, Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One authenticated request: who, under which request id, from which address."""

    caller: Caller
    request_id: str
    source_address: str
    csrf_token: str | None = field(default=None, repr=False)
    """What a page must send with its writes, where the caller is known by a browser's session."""

    def event(
        self,
        action: LedgerAction,
        outcome: Outcome,
        *,
        reason: str | None = None,
        ids: Mapping[str, str] | None = None,
        details: Mapping[str, Detail] | None = None,
    ) -> Event:
        """What happened, with the actor, the request id and the source address filled in.

        A name on an API token is what its maker chose. So it is said by which token somebody spoke:
        its own entry, in the broker's chain, tells who made it.
        """
        token_id = self.caller.api_token_id
        origin = {} if token_id is None else {"by_api_token": token_id}
        return Event(
            actor=self.caller.subject,
            action=action,
            outcome=outcome,
            reason=reason,
            ids={"request": self.request_id, **(ids or {})},
            details={"source_address": self.source_address, **origin, **(details or {})},
        )
