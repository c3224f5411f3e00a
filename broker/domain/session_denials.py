"""Which sessions are denied one by one, and which of those AWS is asked about."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from broker.domain.grants import Access
from broker.domain.identifiers import SessionId
from broker.domain.revocations import MOST_BY_TAG, RevokedSession
from broker.domain.sessions import Session

CLOCKS_DIFFER = timedelta(minutes=1)
"""How far AWS's clock may be ahead of ours."""


def leaders_of(sessions: Iterable[Session]) -> tuple[SessionId, ...]:
    """Of each access the session that expires last: its denial outlasts the others'."""
    last: dict[Access, Session] = {}
    for session in sessions:
        if session.access not in last or session.expires_at > last[session.access].expires_at:
            last[session.access] = session
    return tuple(session.session_id for session in last.values())


def tagged_beside_time(
    living: Iterable[Session], leaders: Collection[SessionId], *, now: datetime
) -> tuple[RevokedSession, ...]:
    """The denials by tag where all are denied by time.

    The leaders, whose twins will be younger than that time; earlier leaders where no new one
    stands for them; and the youngest, which AWS's clock may have dated later than ours does.
    """
    sessions = {session.session_id: session for session in living}
    leading = [sessions[session_id] for session_id in leaders]
    led = {session.access for session in leading}
    earlier = [
        session
        for session in sessions.values()
        if session.next_probe_at is not None and session.access not in led
    ]
    youngest = [session for session in sessions.values() if session.issued_at > now - CLOCKS_DIFFER]
    tagged = {session.session_id: session for session in (*leading, *earlier, *youngest)}
    return tuple(map(denial_of, tagged.values()))[: MOST_BY_TAG // 2]


def denial_of(session: Session) -> RevokedSession:
    """What denies it by its tag, until its credentials expire."""
    return RevokedSession(session_id=session.session_id, expires_at=session.expires_at)


def revoked(session: Session, *, now: datetime, leaders: Collection[SessionId] = ()) -> Session:
    """The session as revoked; AWS is asked about it if it leads."""
    leads = session.session_id in leaders
    return replace(session, revoked_at=now, next_probe_at=now if leads else None)
