"""Ending sessions that are still alive: Deny statements that reach credentials already issued.

IAM evaluates a role's policies at each request, so a Deny on the `Session` tag ends one session,
and a Deny on `aws:TokenIssueTime` every session issued before a time (AWS: "Revoking IAM role
temporary security credentials"). A Deny stays until the last credentials it concerns have expired.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from broker.domain.identifiers import SessionId
from broker.domain.times import Timestamp

MOST_BY_TAG = 200
"""Sessions denied one by one: 200 tags take 5,000 of the 10,240 characters of a role's inline
policies. Past that everything issued so far is denied by time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RevokedSession:
    """One session to deny until its credentials expire."""

    session_id: SessionId
    expires_at: Timestamp


@dataclass(frozen=True, slots=True, kw_only=True)
class Revocations:
    """What is denied in one account.

    `issued_before` denies every session issued before that time; `until` is when the last of
    those has expired and the statement can go.
    """

    sessions: tuple[RevokedSession, ...] = ()
    issued_before: Timestamp | None = None
    until: Timestamp | None = None

    def with_session(self, session: RevokedSession, *, now: datetime) -> Revocations:
        """One more session denied; too many become a denial by time of all issued so far."""
        kept = [other for other in self.at(now).sessions if other != session]
        if len(kept) < MOST_BY_TAG:
            return Revocations(
                sessions=(*kept, session), issued_before=self.issued_before, until=self.until
            )
        last = max(other.expires_at for other in (*kept, session))
        return self.with_everything(issued_before=now, until=last)

    def with_everything(self, *, issued_before: datetime, until: datetime) -> Revocations:
        """Everything issued before a time denied, which includes all single sessions so far.

        Should one of those live longer than `until`, the denial lasts as long as it does.
        """
        ends = (session.expires_at for session in self.sessions)
        return Revocations(
            issued_before=_latest((self.issued_before, issued_before)),
            until=_latest((self.until, until, *ends)),
        )

    def at(self, now: datetime) -> Revocations:
        """What of it still matters at `now`: nothing is denied longer than it could live."""
        sessions = tuple(session for session in self.sessions if session.expires_at > now)
        if self.until is None or self.until <= now:
            return Revocations(sessions=sessions)
        return Revocations(sessions=sessions, issued_before=self.issued_before, until=self.until)

    def next_expiry(self, now: datetime) -> datetime | None:
        """When something of it can be cleaned away; None where nothing is denied."""
        still = self.at(now)
        ends = [session.expires_at for session in still.sessions]
        return min([*ends, *([still.until] if still.until else [])], default=None)


NOTHING_REVOKED = Revocations()
"""What a new account begins with."""


def _latest(moments: Iterable[datetime | None]) -> datetime | None:
    return max((moment for moment in moments if moment is not None), default=None)
