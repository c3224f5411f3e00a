"""The main job: a ticket in, read-only credentials out, and every step of it in the ledger."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime

import structlog

from broker.domain.access import Allow, Deny, Reason
from broker.domain.accounts import Account, subject_of
from broker.domain.claims import TokenSubject, identity_claims
from broker.domain.grant_decisions import standing_grant
from broker.domain.grants import Grant
from broker.domain.iam_documents import session_policy
from broker.domain.ledger.entries import BROKER_CHAIN, chain_of
from broker.domain.ports import Journal, Save, Versioned, WebIdentityExchange
from broker.domain.refusals import chain_of_refusal, refusal
from broker.domain.role_plan import role_arn
from broker.domain.sessions import Credentials, Session, SessionRequest, role_session_name
from broker.errors import BrokerError, Conflict
from broker.services.access import grant_entries
from broker.services.access import session_entries as entries
from broker.services.access.known_services import KnownServices
from broker.services.access.session_decisions import Decided, SessionDecisions
from broker.services.access.session_entries import Intent
from broker.services.ambient import Clock, Entropy
from broker.services.bulkhead import Bulkhead
from broker.services.calls import Call
from broker.services.issuer.minting import IdentityToken, Minter
from broker.services.limiting import Limiter
from broker.services.observations import Observer, StepName, measured
from broker.services.tallying import Tallies
from broker.services.tickets.entries import kept_if_unknown

_TRIES = 10
"""How often the record is written anew where the grant was changed and still allows it."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class OpenedSession:
    """A session and, once, its credentials."""

    session: Session
    credentials: Credentials


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenSession:
    """Decide, record the intent, mint, exchange, record the outcome, and only then answer."""

    journal: Journal
    decisions: SessionDecisions
    minter: Minter
    exchange: WebIdentityExchange
    bulkhead: Bulkhead
    limiter: Limiter
    known_services: KnownServices
    name_prefix: str
    observer: Observer
    tallies: Tallies
    clock: Clock
    entropy: Entropy

    def __call__(self, request: SessionRequest, call: Call) -> OpenedSession:
        """A session with credentials for `request`.

        Raises InvalidRequest for a service that there is not, before anything is decided. Raises
        AccessDenied or NotFound with the refusal's code; RateLimited; UpstreamRejected and
        DependencyUnavailable where AWS or the store fail. Each is in the ledger before it is
        raised, and where the ledger cannot be written no credentials leave.
        """
        self.known_services.require(request.services)
        try:
            with self.bulkhead.place():
                opened = self._open(request, call)
        except BrokerError as e:
            self.observer.session_refused(reason=e.code)
            self.tallies.session_refused(reason=e.code)
            raise
        self.observer.session_opened(access=request.access)
        self.tallies.session_opened()
        return opened

    def _open(self, request: SessionRequest, call: Call) -> OpenedSession:
        with measured(self.observer, StepName.DECIDE):
            self.limiter.require_session(
                account_id=request.account_id, engineer=request.engineer, call=call
            )
            decided_at = self.clock()
            unknown = entries.refused(call, request, reason=Reason.TICKET_UNKNOWN, grant_id=None)
            with kept_if_unknown(
                unknown, chain=BROKER_CHAIN, journal=self.journal, clock=self.clock
            ):
                decided = self.decisions(request, call, now=decided_at)
        account, decision = decided.account, decided.decision
        if isinstance(decision, Deny) or account is None:
            raise self._refused(request, call, decided)
        intent = self._intent(request, account.record, decision, decided_at)
        with measured(self.observer, StepName.RECORD_INTENT):
            self._record_intent(intent, call, is_new_grant=decision.grant is None)
        try:
            token, credentials, issued_at = self._obtain(intent)
            session = _session(intent, token, credentials, issued_at)
            with measured(self.observer, StepName.RECORD_OUTCOME):
                self._record_outcome(intent, session, call)
        except BrokerError as e:
            self._record_failure(intent, call, e)
            raise
        return OpenedSession(session, credentials)

    def _refused(self, request: SessionRequest, call: Call, decided: Decided) -> BrokerError:
        """Record the refusal and return the error that tells the caller."""
        decision = decided.decision
        account = decided.account.record if decided.account else None
        reason = decision.reason if isinstance(decision, Deny) else Reason.ACCOUNT_NOT_FOUND
        grant_id = decision.grant_id if isinstance(decision, Deny) else None
        self.journal.record(
            chain_of_refusal(account, reason),
            entries.refused(call, request, reason=reason, grant_id=grant_id),
            now=self.clock(),
        )
        extra = {} if grant_id is None else {"grant_id": str(grant_id)}
        if isinstance(decision, Deny) and decision.grant_state is not None:
            extra["state"] = decision.grant_state.value
        return refusal(reason, extra=extra or None)

    def _intent(
        self, request: SessionRequest, account: Account, allowed: Allow, decided_at: datetime
    ) -> Intent:
        session_id = self.entropy.session_id()
        return Intent(
            request=replace(request, duration=allowed.duration or request.duration),
            account=account,
            grant=allowed.grant
            or standing_grant(
                request,
                grant_id=self.entropy.grant_id(),
                limits=self.decisions.limits,
                now=decided_at,
            ),
            decided_at=decided_at,
            session_id=session_id,
            subject=TokenSubject(
                issuer=account.issuer,
                subject=subject_of(account.account_id),
                role_arn=role_arn(
                    account.account_id,
                    account.partition,
                    request.access,
                    name_prefix=self.name_prefix,
                ),
                engineer=request.engineer,
                ticket_id=request.ticket_id,
                session_id=session_id,
                jti=self.entropy.jti(),
            ),
            role_session_name=role_session_name(request.engineer, request.ticket_id, session_id),
            policy=session_policy(request.services),
        )

    def _record_intent(self, intent: Intent, call: Call, *, is_new_grant: bool) -> None:
        events = [entries.intended(call, intent)]
        saves = []
        if is_new_grant:
            events.insert(0, grant_entries.decided(call, intent.grant))
            saves.append(Save(intent.grant, expected=0))
        chain = chain_of(intent.account.account_id)
        self.journal.record(chain, *events, now=self.clock(), saves=saves)

    def _obtain(self, intent: Intent) -> tuple[IdentityToken, Credentials, datetime]:
        issued_at = self.clock()
        with measured(self.observer, StepName.SIGN):
            claims = identity_claims(intent.subject, now=issued_at)
            token = self.minter.mint(intent.account, claims)
        with measured(self.observer, StepName.EXCHANGE):
            credentials = self.exchange.exchange(
                identity_token=token.compact,
                role_arn=intent.subject.role_arn,
                role_session_name=intent.role_session_name,
                duration=intent.request.duration,
                session_policy=intent.policy,
            )
        _log.info(
            "identity_token_exchanged",
            session=intent.session_id,
            kid=token.kid,
            token_sha256=hashlib.sha256(token.compact.encode("ascii")).hexdigest(),
        )
        return token, credentials, issued_at

    def _record_failure(self, intent: Intent, call: Call, error: BrokerError) -> None:
        chain = chain_of(intent.account.account_id)
        failed = entries.failed(call, intent, code=error.code)
        self.journal.record(chain, failed, now=self.clock())

    def _record_outcome(self, intent: Intent, session: Session, call: Call) -> None:
        """Record the session, if what allowed it still stands.

        Whoever ends something writes that down first, the ticket and then its grants, and then
        looks for sessions. So either we read here that it has ended, or the grant changes before
        the record is written, or the session is there to be found: none escapes. The account is
        guarded too: what is denied there by time, or by its consent, knows no grant.
        """
        for _ in range(_TRIES):
            grant, account = self._still_allowed(intent, call)
            _require_not_ended(intent, session, account.record)
            with suppress(Conflict):
                self.journal.record(
                    chain_of(session.account_id),
                    entries.opened(call, session),
                    now=self.clock(),
                    saves=[Save(session, expected=0)],
                    unchanged=[grant, account],
                )
                return
        raise Conflict("The grant, or the account, is being changed by others. Try again.")

    def _still_allowed(
        self, intent: Intent, call: Call
    ) -> tuple[Versioned[Grant], Versioned[Account]]:
        """The grant and the account as they are now, if the decision is the same again.

        Raises AccessDenied or NotFound. AWS may not have a Deny yet, so credentials that are not
        handed out are what ends them. It is decided as of the same moment: time that AWS has
        taken since then is no reason.
        """
        grant_id = intent.grant.grant_id
        request = replace(intent.request, grant_id=grant_id)
        decided = self.decisions(request, call, now=intent.decided_at)
        if isinstance(decided.decision, Deny):
            raise refusal(decided.decision.reason)
        grant = decided.grant(grant_id)
        if grant is None or decided.account is None:
            raise refusal(Reason.GRANT_REQUIRED)
        return grant, decided.account


def _require_not_ended(intent: Intent, session: Session, account: Account) -> None:
    """Raise Conflict where the account denies this session by time.

    AWS dates a session in whole seconds, so one that was opened in the second of a revocation
    may be dead though it is younger. What AWS takes as its time follows from its end.
    """
    dated = session.expires_at - intent.request.duration
    denied_before = account.revocations.issued_before
    if denied_before is not None and min(intent.decided_at, dated) < denied_before:
        raise Conflict(
            "All sessions of the account were ended while this one was opened. Try again."
        )


def _session(
    intent: Intent, token: IdentityToken, credentials: Credentials, issued_at: datetime
) -> Session:
    return Session(
        session_id=intent.session_id,
        account_id=intent.account.account_id,
        ticket_id=intent.request.ticket_id,
        engineer=intent.request.engineer,
        access=intent.request.access,
        grant_id=intent.grant.grant_id,
        role_arn=intent.subject.role_arn,
        role_session_name=intent.role_session_name,
        access_key_id=credentials.access_key_id,
        kid=token.kid,
        jti=intent.subject.jti,
        services=intent.request.services,
        issued_at=issued_at,
        expires_at=credentials.expiration,
    )
