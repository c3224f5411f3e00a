"""Deciding on requests for grants, and revoking what was granted."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from broker.domain.access import Reason
from broker.domain.grant_decisions import Verdict, decided, verdict_refused, verdict_stands
from broker.domain.grants import Grant, GrantState
from broker.domain.identifiers import GrantId
from broker.domain.identity.permissions import Action
from broker.domain.ledger.entries import chain_of
from broker.domain.ports import AccountRepository, CurrentTickets, Journal, Save, Versioned
from broker.domain.refusals import refusal
from broker.domain.sessions import Session
from broker.domain.tickets import Ticket
from broker.errors import BrokerError, Conflict
from broker.services.access import grant_entries as entries
from broker.services.access.grants import Grants
from broker.services.ambient import Clock
from broker.services.calls import Call
from broker.services.registered import registered
from broker.services.tickets.entries import kept_if_unknown

_TRIES = 20
"""Writes of one grant that meet take turns."""

_TO_END_IT = "To end what was approved, revoke it."
"""For who denies what was approved, perhaps by themselves."""


class EndsGrants(Protocol):
    """What is needed of `services/revocation/ending.py`."""

    def end_grant(self, grant_id: GrantId, call: Call, *, reason: str) -> Sequence[Session]:
        """End the grant and the sessions under it; asking again is safe."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class DecideGrants:
    """Approves, denies and revokes."""

    journal: Journal
    accounts: AccountRepository
    tickets: CurrentTickets
    grants: Grants
    ending: EndsGrants
    clock: Clock

    def decide(self, grant_id: GrantId, verdict: Verdict, call: Call, *, reason: str) -> Grant:
        """The grant with the verdict on it. Of several that meet, one counts.

        Giving the same verdict again is answered like the first time. Raises AccessDenied (with
        `own_request`, or what stands in the way of the grant), NotFound, and Conflict
        (`grant_already_decided`, with the state and who decided); each is in the ledger before.
        """
        for _ in range(_TRIES):
            stored = self.grants.required(grant_id, Action.DECIDE_GRANT, call)
            now, decider = self.clock(), call.caller.subject
            if verdict_stands(stored.record, verdict, decider=decider, now=now):
                return stored.record
            refusal = self._refusal(stored.record, verdict, call)
            if refusal is not None:
                raise self._refused(stored.record, verdict, refusal, call)
            with suppress(Conflict):
                return self._written(stored, verdict, call, reason=reason)
        raise Conflict("The grant is being changed by others. Try again.")

    def revoke(self, grant_id: GrantId, call: Call, *, reason: str) -> Grant:
        """The grant, ended for good together with the sessions under it.

        A request is withdrawn by it; what is over already stays as it is. Raises AccessDenied and
        NotFound like `decide`, and what `Ending.end_grant` raises.
        """
        self.grants.required(grant_id, Action.REVOKE_GRANT, call)
        self.ending.end_grant(grant_id, call, reason=reason)
        return self.grants.required(grant_id, Action.REVOKE_GRANT, call).record

    def _refusal(self, grant: Grant, verdict: Verdict, call: Call) -> Reason | None:
        ticket = self._ticket(grant, verdict, call)
        return verdict_refused(
            grant,
            verdict,
            decider=call.caller.subject,
            account=registered(self.accounts, grant.account_id).record,
            ticket=ticket.record if ticket else None,
            now=self.clock(),
        )

    def _ticket(self, grant: Grant, verdict: Verdict, call: Call) -> Versioned[Ticket] | None:
        """The ticket, for an approval; what is denied is no question to any ticket system."""
        if verdict is Verdict.DENIED:
            return None
        unknown = entries.decision_refused(
            call, grant, verdict=verdict.value, reason=Reason.TICKET_UNKNOWN
        )
        with kept_if_unknown(
            unknown, chain=chain_of(grant.account_id), journal=self.journal, clock=self.clock
        ):
            return self.tickets.get(grant.ticket_id)

    def _refused(self, grant: Grant, verdict: Verdict, reason: Reason, call: Call) -> BrokerError:
        """Record the refusal and return the error that tells the caller."""
        now = self.clock()
        self.journal.record(
            chain_of(grant.account_id),
            entries.decision_refused(call, grant, verdict=verdict.value, reason=reason),
            now=now,
        )
        if reason is not Reason.ALREADY_DECIDED:
            return refusal(reason)
        by = {} if grant.approver is None else {"approver": grant.approver}
        state = grant.state_at(now)
        extra = {"grant_id": grant.grant_id, "state": state.value, **by}
        way_out = _TO_END_IT if state is GrantState.APPROVED else None
        return refusal(reason, extra=extra, way_out=way_out)

    def _written(
        self, stored: Versioned[Grant], verdict: Verdict, call: Call, *, reason: str
    ) -> Grant:
        now = self.clock()
        grant = decided(stored.record, verdict, decider=call.caller.subject, reason=reason, now=now)
        self.journal.record(
            chain_of(grant.account_id),
            entries.decided(call, grant),
            now=now,
            saves=[Save(grant, expected=stored.version)],
        )
        return grant
