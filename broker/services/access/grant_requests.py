"""Asking for a grant: approved by standing consent, by an emergency, or waiting for a person."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import structlog

from broker.domain.access import Deny, Reason
from broker.domain.accounts import Account
from broker.domain.grant_decisions import (
    Approved,
    GrantLimits,
    GrantRequest,
    RequestDecision,
    Waits,
    decide_request,
    new_grant,
)
from broker.domain.grants import Grant, GrantState, Urgency
from broker.domain.ledger.entries import BROKER_CHAIN, Event, chain_of
from broker.domain.ports import (
    AccountRepository,
    CurrentTickets,
    GrantRepository,
    Journal,
    Save,
)
from broker.domain.refusals import chain_of_refusal, refusal
from broker.errors import BrokerError, Conflict
from broker.services.access import grant_entries as entries
from broker.services.ambient import Clock, Entropy
from broker.services.calls import Call
from broker.services.leasing import Leasing
from broker.services.limiting import Limiter
from broker.services.observations import Observer
from broker.services.tickets.entries import kept_if_unknown

PATIENCE = timedelta(seconds=5)
"""How long a request waits for one for the same thing, made at the same moment."""

_WRITTEN_WITHIN = timedelta(seconds=10)

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestGrant:
    """Takes requests for grants."""

    journal: Journal
    accounts: AccountRepository
    tickets: CurrentTickets
    grants: GrantRepository
    leasing: Leasing
    limiter: Limiter
    limits: GrantLimits
    observer: Observer
    clock: Clock
    entropy: Entropy

    def __call__(self, request: GrantRequest, call: Call) -> Grant:
        """The grant, approved or waiting for a decision.

        While a request for the same engineer, account, ticket and access waits, asking again gives
        that one, as it was asked for first. Raises AccessDenied or NotFound with the refusal's
        code, and RateLimited; each is in the ledger before it is raised.
        """
        self.limiter.require_grant(
            account_id=request.account_id, engineer=request.engineer, call=call
        )
        stored = self.accounts.get(request.account_id)
        account = stored.record if stored else None
        match self._decision(request, account, call):
            case Deny(reason):
                raise self._refused(request, account, reason, call)
            case Waits() as waits:
                with self._alone_with(request, call):
                    return self._waiting(request) or self._written(request, waits, call)
            case Approved(urgency=Urgency.BREAK_GLASS) as approved:
                return self._broken(request, approved, call)
            case Approved() as approved:
                return self._written(request, approved, call)

    def _decision(
        self, request: GrantRequest, account: Account | None, call: Call
    ) -> RequestDecision:
        unknown = entries.request_refused(call, request, reason=Reason.TICKET_UNKNOWN)
        with kept_if_unknown(unknown, chain=BROKER_CHAIN, journal=self.journal, clock=self.clock):
            ticket = self.tickets.get(request.ticket_id)
        return decide_request(
            request,
            caller=call.caller,
            account=account,
            ticket=ticket.record if ticket else None,
            limits=self.limits,
        )

    def _refused(
        self, request: GrantRequest, account: Account | None, reason: Reason, call: Call
    ) -> BrokerError:
        """Record the refusal and return the error that tells the caller."""
        self.journal.record(
            chain_of_refusal(account, reason),
            entries.request_refused(call, request, reason=reason),
            now=self.clock(),
        )
        return refusal(reason)

    @contextmanager
    def _alone_with(self, request: GrantRequest, call: Call) -> Iterator[None]:
        """Two requests for the same thing would be announced twice, so they take turns."""
        parts = (request.account_id, request.engineer, request.ticket_id, request.access.value)
        busy = Conflict(
            "The same is being asked for at this moment. Ask again in a few seconds.",
            code="request_in_progress",
        )
        with self.leasing.one_at_a_time(
            f"grant-request:{'/'.join(parts)}",
            holder=call.request_id,
            patience=PATIENCE,
            lasts=_WRITTEN_WITHIN,
            busy=busy,
        ):
            yield

    def _waiting(self, request: GrantRequest) -> Grant | None:
        """A request for the same that nobody has decided on yet."""
        now = self.clock()
        found = self.grants.of_engineer(request.account_id, request.engineer)
        for grant in (each.record for each in found):
            if grant.covers(request) and grant.state_at(now) is GrantState.REQUESTED:
                return grant
        return None

    def _broken(self, request: GrantRequest, approved: Approved, call: Call) -> Grant:
        """A grant by breaking the glass, after which nobody can say that they were not told."""
        self.limiter.require_break_glass(
            account_id=request.account_id, engineer=request.engineer, call=call
        )
        grant = self._written(request, approved, call)
        self.observer.glass_broken()
        _log.error(
            "glass_broken",
            account=grant.account_id,
            ticket=grant.ticket_id,
            engineer=grant.engineer,
            grant=grant.grant_id,
        )
        return grant

    def _written(self, request: GrantRequest, decision: Approved | Waits, call: Call) -> Grant:
        now = self.clock()
        grant = new_grant(
            request,
            decision,
            grant_id=self.entropy.grant_id(),
            asked_by=call.caller.subject,
            limits=self.limits,
            now=now,
        )
        self.journal.record(
            chain_of(grant.account_id),
            _entry(call, grant, decision),
            now=now,
            saves=[Save(grant, expected=0)],
        )
        return grant


def _entry(call: Call, grant: Grant, decision: Approved | Waits) -> Event:
    if isinstance(decision, Waits):
        return entries.requested(call, grant)
    if decision.urgency is Urgency.BREAK_GLASS:
        return entries.glass_broken(call, grant)
    return entries.decided(call, grant)
