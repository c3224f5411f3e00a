"""What the ledger is told of a revocation: written down, denied in the account, refused by AWS."""

from __future__ import annotations

from datetime import datetime, timedelta

from broker.domain.grants import Grant
from broker.domain.identifiers import AccountId
from broker.domain.ledger.entries import Event, LedgerAction, Outcome
from broker.domain.sessions import Session
from broker.services.calls import Call

_MILLISECOND = timedelta(milliseconds=1)


def grant_revoked(call: Call, grant: Grant, *, reason: str) -> Event:
    """A grant, or a request for one, has ended for good."""
    return call.event(
        LedgerAction.GRANT_REVOKED,
        Outcome.DONE,
        reason=reason,
        ids={"grant": grant.grant_id, "ticket": grant.ticket_id},
        details={"engineer": grant.engineer, "access": grant.access.value},
    )


def all_revoked(call: Call, account_id: AccountId, *, sessions: int, reason: str | None) -> Event:
    """Everything that was issued in the account so far shall end."""
    return call.event(
        LedgerAction.ACCOUNT_REVOKED,
        Outcome.INTENDED,
        reason=reason,
        ids={"account": account_id},
        details={"sessions": sessions},
    )


def revoked(call: Call, session: Session, *, reason: str | None) -> Event:
    """A session shall end: it is written down."""
    return call.event(
        LedgerAction.SESSION_REVOKED,
        Outcome.INTENDED,
        reason=reason,
        ids=_ids(session),
        details={"engineer": session.engineer, "access": session.access.value},
    )


def denied(call: Call, session: Session) -> Event:
    """Its Deny stands in the account."""
    return call.event(
        LedgerAction.SESSION_REVOKED,
        Outcome.DONE,
        ids=_ids(session),
        details={
            "engineer": session.engineer,
            "milliseconds": _since(session.revoked_at, session.denied_at),
        },
    )


def refused(call: Call, session: Session) -> Event:
    """AWS was seen to refuse what it does."""
    return call.event(
        LedgerAction.REVOCATION_EFFECTIVE,
        Outcome.DONE,
        ids=_ids(session),
        details={
            "engineer": session.engineer,
            "milliseconds": _since(session.revoked_at, session.refused_at),
        },
    )


def never_refused(call: Call, session: Session) -> Event:
    """Its credentials expired, and until then AWS was not seen to refuse them."""
    return call.event(
        LedgerAction.REVOCATION_EFFECTIVE,
        Outcome.FAILED,
        reason="expired",
        ids=_ids(session),
        details={"engineer": session.engineer},
    )


def _ids(session: Session) -> dict[str, str]:
    return {
        "session": session.session_id,
        "ticket": session.ticket_id,
        "grant": session.grant_id,
    }


def _since(revoked_at: datetime | None, moment: datetime | None) -> int:
    """How long it took, in milliseconds."""
    if revoked_at is None or moment is None:
        return 0
    return (moment - revoked_at) // _MILLISECOND
