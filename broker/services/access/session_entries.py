"""What the ledger is told of a session: refused, or intended and then opened or failed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from broker.domain.access import Reason
from broker.domain.accounts import Account
from broker.domain.claims import TokenSubject
from broker.domain.console import ConsolePage
from broker.domain.grants import Grant
from broker.domain.identifiers import GrantId, SessionId
from broker.domain.ledger.entries import Event, LedgerAction, Outcome
from broker.domain.sessions import Session, SessionRequest
from broker.domain.times import rfc3339
from broker.services.calls import Call


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """A session that was decided on, and all that its token and its record need."""

    request: SessionRequest
    account: Account
    grant: Grant
    decided_at: datetime
    session_id: SessionId
    subject: TokenSubject
    role_session_name: str
    policy: str | None

    @property
    def ids(self) -> dict[str, str]:
        """The ids that every entry of this session names."""
        return {
            "ticket": self.request.ticket_id,
            "grant": self.grant.grant_id,
            "session": self.session_id,
        }


def refused(
    call: Call, request: SessionRequest, *, reason: Reason, grant_id: GrantId | None
) -> Event:
    """The decision was no."""
    grant = {"grant": str(grant_id)} if grant_id else {}
    return call.event(
        LedgerAction.SESSION_OPENED,
        Outcome.REFUSED,
        reason=reason.value,
        ids={"account": request.account_id, "ticket": request.ticket_id, **grant},
        details={"engineer": request.engineer, "access": request.access.value},
    )


def intended(call: Call, intent: Intent) -> Event:
    """The decision was yes; what comes of it follows as an entry of its own."""
    request = intent.request
    return call.event(
        LedgerAction.SESSION_OPENED,
        Outcome.INTENDED,
        reason=request.reason,
        ids=intent.ids,
        details={
            "engineer": request.engineer,
            "access": request.access.value,
            "seconds": int(request.duration.total_seconds()),
            "services": list(request.services),
        },
    )


def failed(call: Call, intent: Intent, *, code: str) -> Event:
    """AWS gave no credentials."""
    return call.event(
        LedgerAction.SESSION_OPENED,
        Outcome.FAILED,
        reason=code,
        ids=intent.ids,
        details={"engineer": intent.request.engineer},
    )


def opened(call: Call, session: Session) -> Event:
    """AWS gave credentials; all of them that is kept is the access key's id."""
    return call.event(
        LedgerAction.SESSION_OPENED,
        Outcome.DONE,
        ids={
            "ticket": session.ticket_id,
            "grant": session.grant_id,
            "session": session.session_id,
            "access_key": session.access_key_id,
            "jti": session.jti,
        },
        details={
            "engineer": session.engineer,
            "kid": session.kid,
            "role_session_name": session.role_session_name,
            "expires_at": rfc3339(session.expires_at),
        },
    )


def console_url_made(call: Call, session: Session, page: ConsolePage) -> Event:
    """Somebody was given a way into the console as this session; the way itself is a secret."""
    return _console(call, session, Outcome.DONE, reason=None, page=page)


def console_refused(call: Call, session: Session, *, reason: str) -> Event:
    """This session leads to no console, or not with these keys."""
    return _console(call, session, Outcome.REFUSED, reason=reason)


def console_failed(call: Call, session: Session, *, code: str) -> Event:
    """AWS gave no way into the console."""
    return _console(call, session, Outcome.FAILED, reason=code)


def _console(
    call: Call,
    session: Session,
    outcome: Outcome,
    *,
    reason: str | None,
    page: ConsolePage | None = None,
) -> Event:
    shown = {} if page is None else {"service": page.service, "region": page.region}
    return call.event(
        LedgerAction.CONSOLE_URL_MADE,
        outcome,
        reason=reason,
        ids={
            "ticket": session.ticket_id,
            "grant": session.grant_id,
            "session": session.session_id,
            "access_key": session.access_key_id,
        },
        details={
            "engineer": session.engineer,
            **{name: value for name, value in shown.items() if value is not None},
        },
    )
