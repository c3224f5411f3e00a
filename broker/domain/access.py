"""The access decision: one pure function, and a reason for every refusal.

What a session and a grant for sessions are both refused for stands in `obstacle`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from broker.domain.accounts import Account, AccountState, Consent
from broker.domain.grants import BY_POLICY, Grant, GrantState, Purpose
from broker.domain.identifiers import GrantId
from broker.domain.identity.permissions import Action, Caller, permits
from broker.domain.sessions import SHORTEST, Length, SessionRequest
from broker.domain.tickets import Ticket, TicketStatus


class Reason(StrEnum):
    """Why a session or a grant is refused; the value is the code of the HTTP contract."""

    FORBIDDEN = "forbidden"
    ACCOUNT_NOT_FOUND = "not_found"
    ACCOUNT_NOT_ACTIVE = "account_not_active"
    CONSENT_OFF = "consent_off"
    TICKET_UNKNOWN = "ticket_source_unavailable"
    TICKET_NOT_FOUND = "ticket_not_found"
    TICKET_CLOSED = "ticket_closed"
    TICKET_NOT_FOR_ACCOUNT = "ticket_not_for_account"
    NOT_ASSIGNED = "not_assigned"
    GRANT_REQUIRED = "grant_required"
    GRANT_EXPIRED = "grant_expired"
    DURATION_TOO_LONG = "duration_too_long"
    REASON_TOO_SHORT = "reason_too_short"
    OWN_REQUEST = "own_request"
    ALREADY_DECIDED = "grant_already_decided"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What the operator allows: the longest session, and how long a standing grant holds."""

    longest_session: timedelta
    standing_grant: timedelta


@dataclass(frozen=True, slots=True)
class Allow:
    """The session may be opened under `grant`; None asks for a new one by standing consent.

    `duration` is for how long, where that is less than what was asked for.
    """

    grant: Grant | None
    duration: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Deny:
    """The session is refused; `grant_id` names the grant that the reason speaks of, if any.

    `grant_state` says of a grant that is required what has become of it: whoever waits for a
    decision need not ask again, and whoever was denied may.
    """

    reason: Reason
    grant_id: GrantId | None = None
    grant_state: GrantState | None = None


Decision = Allow | Deny


def decide(
    request: SessionRequest,
    *,
    caller: Caller,
    account: Account | None,
    ticket: Ticket | None,
    grants: Sequence[Grant],
    limits: Limits,
    now: datetime,
) -> Decision:
    """Whether the session may be opened at `now`, and under which grant.

    `grants` are the engineer's own for the account; order does not matter. The checks stand in
    the order in which a person would mend them: who asks, where, why, with whose consent, for
    how long.
    """
    if not permits(
        caller,
        Action.OPEN_SESSION,
        account_id=request.account_id,
        engineer=request.engineer,
    ):
        return Deny(Reason.FORBIDDEN)
    if account is None:
        return Deny(Reason.ACCOUNT_NOT_FOUND)
    refusal = obstacle(request, account=account, ticket=ticket)
    if refusal is not None:
        return Deny(refusal)
    if request.duration > limits.longest_session:
        return Deny(Reason.DURATION_TOO_LONG)
    return _by_grant(request, grants=grants, account=account, now=now)


def obstacle(purpose: Purpose, *, account: Account, ticket: Ticket | None) -> Reason | None:
    """Why there is neither a session nor a grant for it, whoever consents; None where may be."""
    return account_refuses(account) or ticket_refuses(purpose, ticket)


def account_refuses(account: Account) -> Reason | None:
    """Why nobody is let into the account, whatever for, the broker included; None where it is."""
    if account.consent is Consent.OFF:
        return Reason.CONSENT_OFF
    if account.state is not AccountState.ACTIVE:
        return Reason.ACCOUNT_NOT_ACTIVE
    return None


def ticket_refuses(purpose: Purpose, ticket: Ticket | None) -> Reason | None:
    """Why the ticket is no reason for it, or no longer; None where it is one."""
    if ticket is None:
        return Reason.TICKET_NOT_FOUND
    if purpose.account_id not in ticket.account_ids:
        return Reason.TICKET_NOT_FOR_ACCOUNT
    if ticket.status is not TicketStatus.OPEN:
        return Reason.TICKET_CLOSED
    if ticket.assignees and purpose.engineer not in ticket.assignees:
        return Reason.NOT_ASSIGNED
    return None


def _by_grant(
    request: SessionRequest, *, grants: Sequence[Grant], account: Account, now: datetime
) -> Decision:
    fitting = [
        grant
        for grant in grants
        if grant.covers(request)
        and request.grant_id in (None, grant.grant_id)
        and still_counts(grant, account)
    ]
    approved = [grant for grant in fitting if grant.state_at(now) is GrantState.APPROVED]
    ends = now + request.duration
    for grant in approved:
        if grant.expires_at >= ends:
            return Allow(grant)
    if account.consent is Consent.STANDING and request.grant_id is None:
        return Allow(None)
    if approved:
        return _within(max(approved, key=_end), request, now)
    if not fitting:
        return Deny(Reason.GRANT_REQUIRED)
    # A request that somebody may still approve is worth more to the engineer than what is over.
    waiting = [grant for grant in fitting if grant.state_at(now) is GrantState.REQUESTED]
    latest = max(waiting or fitting, key=_end)
    state = latest.state_at(now)
    if state is GrantState.EXPIRED:
        return Deny(Reason.GRANT_EXPIRED, latest.grant_id)
    return Deny(Reason.GRANT_REQUIRED, latest.grant_id, state)


def _within(grant: Grant, request: SessionRequest, now: datetime) -> Decision:
    """What is left of an approved grant, where that is enough for who asked."""
    left = timedelta(seconds=(grant.expires_at - now) // timedelta(seconds=1))
    if request.length is Length.AT_MOST and left >= SHORTEST:
        return Allow(grant, duration=left)
    return Deny(Reason.DURATION_TOO_LONG, grant.grant_id)


def still_counts(grant: Grant, account: Account) -> bool:
    """What standing consent has granted ends with it: then the customer is asked each time.

    And what was granted before access was off, or before the account left, ended with that.
    """
    if grant.decided is not GrantState.REQUESTED:
        granted_at = grant.decided_at or grant.created_at
        if granted_at < account.grants_count_since:
            return False
    return account.consent is Consent.STANDING or grant.approver != BY_POLICY


def _end(grant: Grant) -> datetime:
    return grant.expires_at
