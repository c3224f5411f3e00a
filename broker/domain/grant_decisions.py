"""What becomes of grants, as pure functions: of a request, of a verdict on it, of a revocation.

Whatever happens, a grant that has ended stays ended, and the end of an approved one never moves.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from broker.domain.access import Deny, Limits, Reason, obstacle
from broker.domain.accounts import Account, Consent
from broker.domain.grants import (
    BY_BREAK_GLASS,
    BY_POLICY,
    Access,
    Grant,
    GrantState,
    Urgency,
)
from broker.domain.identifiers import AccountId, EngineerId, GrantId, TicketId
from broker.domain.identity.permissions import Action, Caller, permits
from broker.domain.sessions import SessionRequest
from broker.domain.tickets import Ticket

_ACTIONS = {
    Urgency.ROUTINE: Action.REQUEST_GRANT,
    Urgency.BREAK_GLASS: Action.BREAK_GLASS,
}
_LETTERS_OF_NOTHING = frozenset("\u115f\u1160\u2800\u3164\uffa0")
"""What counts as printable and shows nothing: the fillers of Hangul, and a blank of Braille."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantRequest:
    """What is asked for; `duration` counts from the approval."""

    account_id: AccountId
    ticket_id: TicketId
    engineer: EngineerId
    access: Access
    reason: str
    duration: timedelta
    urgency: Urgency = Urgency.ROUTINE


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantLimits:
    """What the operator allows: the longest grant of each kind, and how long a request waits."""

    standing: timedelta
    approved: timedelta
    break_glass: timedelta
    break_glass_reason: int
    """Characters of the shortest reason for breaking the glass."""
    request_waits: timedelta


@dataclass(frozen=True, slots=True)
class Approved:
    """Nobody needs to be asked: `by` is the policy that approves, and with which urgency."""

    by: str
    urgency: Urgency


@dataclass(frozen=True, slots=True)
class Waits:
    """Somebody else has to decide."""


RequestDecision = Approved | Waits | Deny


def decide_request(
    request: GrantRequest,
    *,
    caller: Caller,
    account: Account | None,
    ticket: Ticket | None,
    limits: GrantLimits,
) -> RequestDecision:
    """Whether the request is approved by a policy, has to wait, or is refused.

    Breaking the glass spares the wait for an approval and nothing else: not the ticket, not the
    assignment, and never the customer's `off`. Where nobody has to be waited for there is no
    glass to break, so under standing consent such a request is one like any other.
    """
    if not permits(
        caller,
        _ACTIONS[request.urgency],
        account_id=request.account_id,
        engineer=request.engineer,
    ):
        return Deny(Reason.FORBIDDEN)
    if account is None:
        return Deny(Reason.ACCOUNT_NOT_FOUND)
    refusal = obstacle(request, account=account, ticket=ticket)
    if refusal is not None:
        return Deny(refusal)
    if account.consent is Consent.STANDING:
        return _within(limits.standing, request, Approved(BY_POLICY, Urgency.ROUTINE))
    if request.urgency is Urgency.ROUTINE:
        return _within(limits.approved, request, Waits())
    if not _says_enough(request.reason, at_least=limits.break_glass_reason):
        return Deny(Reason.REASON_TOO_SHORT)
    return _within(limits.break_glass, request, Approved(BY_BREAK_GLASS, Urgency.BREAK_GLASS))


def _within(
    longest: timedelta, request: GrantRequest, decision: RequestDecision
) -> RequestDecision:
    return Deny(Reason.DURATION_TOO_LONG) if request.duration > longest else decision


def _says_enough(reason: str, *, at_least: int) -> bool:
    """Long enough without what fills it up: blanks, what nobody sees, one character for ever."""
    seen = (each for each in reason if each.isprintable() and each not in _LETTERS_OF_NOTHING)
    text = " ".join("".join(seen).split())
    return len(text) >= at_least and len(set(text)) > 1


def new_grant(
    request: GrantRequest,
    decision: Approved | Waits,
    *,
    grant_id: GrantId,
    asked_by: str,
    limits: GrantLimits,
    now: datetime,
) -> Grant:
    """The grant that comes of a request that was not refused."""
    approved = decision if isinstance(decision, Approved) else None
    return Grant(
        grant_id=grant_id,
        account_id=request.account_id,
        ticket_id=request.ticket_id,
        engineer=request.engineer,
        access=request.access,
        reason=request.reason,
        decided=GrantState.APPROVED if approved else GrantState.REQUESTED,
        approver=approved.by if approved else None,
        created_at=now,
        expires_at=now + (request.duration if approved else limits.request_waits),
        urgency=approved.urgency if approved else Urgency.ROUTINE,
        duration=request.duration,
        requested_by=None if asked_by == request.engineer else asked_by,
        decided_at=now if approved else None,
    )


def standing_grant(
    request: SessionRequest, *, grant_id: GrantId, limits: Limits, now: datetime
) -> Grant:
    """The grant that standing consent gives whoever opens a session without having asked for one.

    It lasts as long as the session at least.
    """
    lasts = max(limits.standing_grant, request.duration)
    return Grant(
        grant_id=grant_id,
        account_id=request.account_id,
        ticket_id=request.ticket_id,
        engineer=request.engineer,
        access=request.access,
        reason=request.reason,
        decided=GrantState.APPROVED,
        approver=BY_POLICY,
        created_at=now,
        expires_at=now + lasts,
        duration=lasts,
        decided_at=now,
    )


class Verdict(StrEnum):
    """What somebody decides about a request; the value is the state that it leads to."""

    APPROVED = "approved"
    DENIED = "denied"

    @property
    def state(self) -> GrantState:
        """The state of a grant on which this was decided."""
        return GrantState(self.value)


def verdict_stands(grant: Grant, verdict: Verdict, *, decider: str, now: datetime) -> bool:
    """Whether the same person has decided the same already, and it holds."""
    return grant.state_at(now) is verdict.state and grant.approver == decider


def verdict_refused(
    grant: Grant,
    verdict: Verdict,
    *,
    decider: str,
    account: Account,
    ticket: Ticket | None,
    now: datetime,
) -> Reason | None:
    """Why `decider` may not decide so at `now`, whatever their roles; None where they may.

    What is denied needs neither a ticket nor consent.
    """
    if is_own(grant, decider):
        return Reason.OWN_REQUEST
    if grant.state_at(now) is not GrantState.REQUESTED:
        return Reason.ALREADY_DECIDED
    if verdict is Verdict.APPROVED:
        return obstacle(grant, account=account, ticket=ticket)
    return None


def is_own(grant: Grant, subject: str) -> bool:
    """Whether it is for `subject`, or they asked for it."""
    concerned = (grant.engineer, grant.requested_by or grant.engineer)
    return any(same_person(who, subject) for who in concerned)


def same_person(one: str, other: str) -> bool:
    """Whether two subjects are one: the same address may come in different letter cases."""
    return one.casefold() == other.casefold()


def decided(grant: Grant, verdict: Verdict, *, decider: str, reason: str, now: datetime) -> Grant:
    """A request on which `verdict` was given: if it was approved, it ends `duration` from `now`."""
    approved = verdict is Verdict.APPROVED
    return replace(
        grant,
        decided=verdict.state,
        approver=decider,
        decided_at=now,
        decision_reason=reason,
        expires_at=now + grant.duration if approved else grant.expires_at,
    )


def revoked(grant: Grant, *, reason: str, now: datetime) -> Grant | None:
    """A grant that ends at `now`, or a request that is withdrawn; None where it is over already."""
    if grant.state_at(now) not in (GrantState.REQUESTED, GrantState.APPROVED):
        return None
    return replace(grant, decided=GrantState.REVOKED, decided_at=now, decision_reason=reason)
