"""Ending sessions that are still alive: Deny statements that reach credentials already issued.

IAM evaluates a role's policies at each request, so a Deny on the `Session` tag ends one session,
and a Deny on `aws:TokenIssueTime` every session issued before a time (AWS: "Revoking IAM role
temporary security credentials"). A Deny stays until the last credentials it concerns have expired.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from broker.domain.identifiers import AccountId, EngineerId, SessionId, TicketId
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

    def has_room_for(self, sessions: Sequence[RevokedSession], *, now: datetime) -> bool:
        """Whether these can be denied one by one, beside what is."""
        return len(self._with(sessions, now)) <= MOST_BY_TAG

    def with_sessions(self, sessions: Sequence[RevokedSession], *, now: datetime) -> Revocations:
        """These sessions denied as well, by tag. Raises ValueError where there is no room."""
        if not self.has_room_for(sessions, now=now):
            raise ValueError(f"more than {MOST_BY_TAG} sessions are denied by time, not by tag")
        return Revocations(
            sessions=self._with(sessions, now), issued_before=self.issued_before, until=self.until
        )

    def with_everything(
        self,
        *,
        issued_before: datetime,
        until: datetime,
        by_tag: Sequence[RevokedSession] | None = None,
    ) -> Revocations:
        """Everything issued before a time denied, which includes all single sessions so far.

        Should one of those live longer than `until`, the denial lasts as long as it does. The
        sessions of `by_tag`, or where that is None those so far, are denied by their tags as well:
        a twin that is opened later, to see whether AWS refuses, is younger than that time and
        carries nothing but the tag. Both statements stand in one document, so where the one is in
        force, the other is.
        """
        tagged = self.sessions if by_tag is None else tuple(by_tag[:MOST_BY_TAG])
        ends = (session.expires_at for session in (*self.sessions, *tagged))
        return Revocations(
            sessions=tagged,
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

    def _with(
        self, sessions: Sequence[RevokedSession], now: datetime
    ) -> tuple[RevokedSession, ...]:
        return tuple(dict.fromkeys((*self.at(now).sessions, *sessions)))


NOTHING_REVOKED = Revocations()
"""What a new account begins with."""


@dataclass(frozen=True, slots=True)
class OfEngineer:
    """Whatever an engineer has, in every account."""

    engineer: EngineerId


@dataclass(frozen=True, slots=True)
class OfTicket:
    """Whatever a ticket led to. The ticket stays as it is: access may be asked for again."""

    ticket_id: TicketId


@dataclass(frozen=True, slots=True)
class OfAccount:
    """Whatever there is in an account, recorded or not."""

    account_id: AccountId


@dataclass(frozen=True, slots=True)
class Everything:
    """Whatever there is in every account."""


Scope = OfEngineer | OfTicket | OfAccount | Everything
"""What shall end together."""


def _latest(moments: Iterable[datetime | None]) -> datetime | None:
    return max((moment for moment in moments if moment is not None), default=None)
