"""One click into the AWS console: a URL that signs in as a session, made when it is asked for."""

from __future__ import annotations

from dataclasses import dataclass

from broker.domain.console import ConsolePage, ConsoleUrl, NoConsole, SessionKeys, objection
from broker.domain.identifiers import SessionId
from broker.domain.identity.permissions import Action
from broker.domain.ledger.entries import chain_of
from broker.domain.ports import ConsoleSignIn, Journal, SessionRepository, Versioned
from broker.domain.sessions import Session, SessionRequest
from broker.errors import AccessDenied, BrokerError, Conflict, NotFound
from broker.services.access import session_entries as entries
from broker.services.access.open_session import OpenSession
from broker.services.ambient import Clock
from broker.services.authorization import Gate
from broker.services.bulkhead import Bulkhead
from broker.services.calls import Call
from broker.services.limiting import Limiter
from broker.services.registered import session_for

_WHY_NOT = {
    NoConsole.REVOKED: "The session was revoked. Open a new one.",
    NoConsole.EXPIRED: "The session has expired. Open a new one.",
    NoConsole.OTHER_KEYS: (
        "These are not the credentials of this session. Send those that it was opened with."
    ),
}


@dataclass(frozen=True, slots=True)
class ConsoleSession:
    """A session just opened, with the way into the console instead of its credentials."""

    session: Session
    url: ConsoleUrl


@dataclass(frozen=True, slots=True, kw_only=True)
class Console:
    """Makes URLs for signing in. Nothing of one is kept, and the ledger hears of it first."""

    journal: Journal
    sessions: SessionRepository
    open_session: OpenSession
    sign_in: ConsoleSignIn
    gate: Gate
    limiter: Limiter
    bulkhead: Bulkhead
    """One place is for all that a request waits for, so `open_session` must not take another: who
    is told that all are taken has had nothing begun."""
    clock: Clock

    @property
    def origins(self) -> tuple[str, ...]:
        """Where a browser is led that follows such a URL, as sources of a page's CSP."""
        return self.sign_in.origins

    def of_session(
        self, session_id: SessionId, keys: SessionKeys, page: ConsolePage, call: Call
    ) -> ConsoleUrl:
        """A URL for a session that is open already, made with the credentials it was given.

        It counts like a session. Raises AccessDenied, with the reason as its code where the
        session leads nowhere any more or the keys are another's, and NotFound; InvalidRequest and
        Conflict like `ConsoleSignIn.address`; RateLimited; UpstreamRejected and
        DependencyUnavailable. Refusals and failures are in the ledger.
        """
        stored = self._own(session_id, call)
        session = stored.record
        self.limiter.require_session(
            account_id=session.account_id, engineer=session.engineer, call=call
        )
        address = self.sign_in.address(page)
        self._require_open(session, keys, call)
        with self.bulkhead.place():
            return self._made(stored, keys, page, address, call)

    def opened(self, request: SessionRequest, page: ConsolePage, call: Call) -> ConsoleSession:
        """A new session, of which only the URL is handed out. Raises like `OpenSession` and
        `of_session`; where it is AWS's sign-in that fails, nobody has the session's credentials.
        """
        self.gate.require(
            call, Action.OPEN_CONSOLE, account_id=request.account_id, engineer=request.engineer
        )
        address = self.sign_in.address(page)
        with self.bulkhead.place():
            opened = self.open_session(request, call)
            keys = SessionKeys.of(opened.credentials)
            stored = self._own(opened.session.session_id, call)
            url = self._made(stored, keys, page, address, call)
        return ConsoleSession(stored.record, url)

    def _own(self, session_id: SessionId, call: Call) -> Versioned[Session]:
        """The session, for somebody who may sign in as it; anybody else leaves an entry."""
        self.gate.require_role(call, Action.OPEN_CONSOLE)
        try:
            return session_for(self.sessions, session_id, call, Action.OPEN_CONSOLE)
        except NotFound:
            self.gate.record_hidden(call, Action.OPEN_CONSOLE, ids={"session": session_id})
            raise

    def _require_open(self, session: Session, keys: SessionKeys, call: Call) -> None:
        reason = objection(session, keys.access_key_id, now=self.clock())
        if reason is None:
            return
        self.journal.record(
            chain_of(session.account_id),
            entries.console_refused(call, session, reason=reason),
            now=self.clock(),
        )
        raise AccessDenied(_WHY_NOT[reason], code=reason.value)

    def _made(
        self,
        stored: Versioned[Session],
        keys: SessionKeys,
        page: ConsolePage,
        address: str,
        call: Call,
    ) -> ConsoleUrl:
        session = stored.record
        chain = chain_of(session.account_id)
        url = self._from_aws(session, keys, address, call)
        made = entries.console_url_made(call, session, page)
        try:
            self.journal.record(chain, made, now=self.clock(), unchanged=[stored])
        except Conflict:
            # A session's record changes only when it ends. What AWS has signed in by then meets
            # the same Deny as the credentials, and nobody gets the URL.
            self._require_open(self._own(session.session_id, call).record, keys, call)
            raise
        return url

    def _from_aws(
        self, session: Session, keys: SessionKeys, address: str, call: Call
    ) -> ConsoleUrl:
        try:
            return self.sign_in.sign_in_url(keys, address)
        except BrokerError as e:
            failed = entries.console_failed(call, session, code=e.code)
            self.journal.record(chain_of(session.account_id), failed, now=self.clock())
            raise
