"""Sessions of browsers: opened at sign-in, checked at each request, ended at sign-out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta

from broker.domain.identity.browser_sessions import (
    BrowserSecret,
    BrowserSession,
    SessionEnd,
    SessionLimits,
)
from broker.domain.identity.identity_claims import Identity
from broker.domain.identity.permissions import Caller, EstablishedBy
from broker.domain.ledger.entries import BROKER_CHAIN, LedgerAction, Outcome
from broker.domain.ports import BrowserSessionRepository, Journal
from broker.errors import AccessDenied, Unauthenticated
from broker.services.ambient import Clock, Entropy
from broker.services.calls import Call
from broker.services.identity.authentication import CredentialRefused, Ending
from broker.services.identity.people import People

REMEMBERED = timedelta(hours=1)
"""For so long after its end it can still be told how a session ended."""

_STEPS = 30
"""A session is prolonged when a thirtieth of its idle limit has passed, not at each request, so it
may end that much too early, and never too late."""


class CsrfFailed(AccessDenied):
    """A write came with a browser's session, and not from a page of ours."""

    code = "csrf_failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class BrowserSessions:
    """The Authenticator of browsers; the credential is the cookie's value."""

    sessions: BrowserSessionRepository
    people: People
    limits: SessionLimits
    journal: Journal
    clock: Clock
    entropy: Entropy

    def authenticate(self, credential: str) -> Caller:
        """See Authenticator. Roles are those that the mapping gives now."""
        secret = BrowserSecret.read(credential)
        session = None if secret is None else self.sessions.get(secret.digest)
        if session is None:
            raise _refused("not_signed_in", "You are not signed in, or not any more. Sign in.")
        now = self.clock()
        match session.end(self.limits, now):
            case SessionEnd.SIGNED_OUT as end:
                raise _refused(end, "You have signed out. Sign in again.", Ending.SIGNED_OUT)
            case SessionEnd.EXPIRED as end:
                raise _refused(end, "Your session has ended. Sign in again.", Ending.EXPIRED)
            case None:
                session = self._prolonged(session)
        return self.people.caller(
            session.subject,
            session.groups,
            established_by=EstablishedBy.BROWSER,
            until=session.ends_at(self.limits),
        )

    def remembered_by(self, credential: str) -> str:
        """See Authenticator: by all of it."""
        return credential

    def open(self, identity: Identity) -> BrowserSecret:
        """A new session; what is returned goes into the browser's cookie and nowhere else."""
        secret, now = self.entropy.browser_secret(), self.clock()
        session = BrowserSession(
            digest=secret.digest,
            subject=identity.subject,
            groups=identity.groups,
            signed_in_at=now,
            last_seen_at=now,
        )
        self.sessions.open(session, lasts=self._kept_for(session))
        return secret

    def end(self, secret: BrowserSecret) -> BrowserSession | None:
        """End the session of a cookie at once; the session, or None where there was none."""
        session = self.sessions.get(secret.digest)
        if session is None or session.end(self.limits, self.clock()) is not None:
            return None
        self.sessions.end(session, lasts=self.limits.absolute + REMEMBERED)
        return session

    def foreign_page(self, call: Call) -> CsrfFailed:
        """The error for a write that does not come from a page of ours, now in the ledger."""
        event = call.event(LedgerAction.ACCESS_REFUSED, Outcome.REFUSED, reason=CsrfFailed.code)
        self.journal.record(BROKER_CHAIN, event, now=self.clock())
        return CsrfFailed(
            "With a browser's session, writes need the header X-CSRF-Token, as GET /v1/me gives "
            "it, and a page of this site to send them."
        )

    def _prolonged(self, session: BrowserSession) -> BrowserSession:
        now = self.clock()
        if now - session.last_seen_at < self.limits.idle / _STEPS:
            return session
        seen = replace(session, last_seen_at=now)
        self.sessions.prolong(seen, lasts=self._kept_for(seen))
        return seen

    def _kept_for(self, session: BrowserSession) -> timedelta:
        return session.ends_at(self.limits) - self.clock() + REMEMBERED


def _refused(reason: str, sentence: str, ending: Ending | None = None) -> CredentialRefused:
    return CredentialRefused(
        reason,
        ending=ending,
        answer=Unauthenticated(sentence, extra={"reason": reason}),
    )
