"""The main job: a ticket in, read-only credentials out, and every step of it in the ledger."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime

import structlog

from broker.domain.access import (
    SENTENCES,
    Allow,
    Decision,
    Deny,
    Limits,
    Reason,
    account_refuses,
    decide,
)
from broker.domain.accounts import Account, subject_of
from broker.domain.claims import TokenSubject, identity_claims
from broker.domain.grants import BY_POLICY, Grant, GrantState
from broker.domain.iam_documents import session_policy
from broker.domain.ledger import BROKER_CHAIN, Chain, chain_of
from broker.domain.ports import (
    AccountRepository,
    GrantRepository,
    Journal,
    Save,
    TicketRepository,
    WebIdentityExchange,
)
from broker.domain.role_plan import role_arn
from broker.domain.sessions import Credentials, Session, SessionRequest, role_session_name
from broker.errors import AccessDenied, BrokerError, NotFound
from broker.services import session_entries as entries
from broker.services.ambient import Clock, Entropy
from broker.services.calls import Call
from broker.services.minting import IdentityToken, Minter
from broker.services.observations import Observer, StepName, measured
from broker.services.session_entries import Intent

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
    accounts: AccountRepository
    tickets: TicketRepository
    grants: GrantRepository
    minter: Minter
    exchange: WebIdentityExchange
    limits: Limits
    name_prefix: str
    observer: Observer
    clock: Clock
    entropy: Entropy

    def __call__(self, request: SessionRequest, call: Call) -> OpenedSession:
        """A session with credentials for `request`.

        Raises AccessDenied or NotFound with the refusal's code; UpstreamRejected and
        DependencyUnavailable where AWS or the store fail. Each is in the ledger before it is
        raised, and where the ledger cannot be written no credentials leave.
        """
        try:
            opened = self._open(request, call)
        except BrokerError as e:
            self.observer.session_refused(reason=e.code)
            raise
        self.observer.session_opened(access=request.access)
        return opened

    def _open(self, request: SessionRequest, call: Call) -> OpenedSession:
        with measured(self.observer, StepName.DECIDE):
            account, decision = self._decide(request, call)
        if isinstance(decision, Deny) or account is None:
            raise self._refused(request, call, account, decision)
        intent = self._intent(request, account, decision)
        with measured(self.observer, StepName.RECORD_INTENT):
            self._record_intent(intent, call, is_new_grant=decision.grant is None)
        try:
            token, credentials, issued_at = self._obtain(intent)
            self._refuse_if_off_meanwhile(intent)
        except BrokerError as e:
            self._record_failure(intent, call, e)
            raise
        with measured(self.observer, StepName.RECORD_OUTCOME):
            session = self._record_outcome(intent, call, token, credentials, issued_at)
        return OpenedSession(session, credentials)

    def _decide(self, request: SessionRequest, call: Call) -> tuple[Account | None, Decision]:
        stored = self.accounts.get(request.account_id)
        ticket = self.tickets.get(request.ticket_id)
        account = stored.record if stored else None
        decision = decide(
            request,
            caller=call.caller,
            account=account,
            ticket=ticket.record if ticket else None,
            grants=[
                found.record
                for found in self.grants.of_engineer(request.account_id, request.engineer)
            ],
            limits=self.limits,
            now=self.clock(),
        )
        return account, decision

    def _refused(
        self, request: SessionRequest, call: Call, account: Account | None, decision: Decision
    ) -> BrokerError:
        """Record the refusal and return the error that tells the caller."""
        reason = decision.reason if isinstance(decision, Deny) else Reason.ACCOUNT_NOT_FOUND
        grant_id = decision.grant_id if isinstance(decision, Deny) else None
        self.journal.record(
            _chain_for(account, reason),
            entries.refused(call, request, reason=reason, grant_id=grant_id),
            now=self.clock(),
        )
        missing = reason is Reason.ACCOUNT_NOT_FOUND
        error = NotFound if missing else AccessDenied
        extra = {"grant_id": str(grant_id)} if grant_id else {}
        return error(SENTENCES[reason], code=reason.value, extra=extra)

    def _intent(self, request: SessionRequest, account: Account, allowed: Allow) -> Intent:
        session_id = self.entropy.session_id()
        return Intent(
            request=request,
            account=account,
            grant=allowed.grant or self._standing_grant(request),
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

    def _standing_grant(self, request: SessionRequest) -> Grant:
        now = self.clock()
        return Grant(
            grant_id=self.entropy.grant_id(),
            account_id=request.account_id,
            ticket_id=request.ticket_id,
            engineer=request.engineer,
            access=request.access,
            reason=request.reason,
            decided=GrantState.APPROVED,
            approver=BY_POLICY,
            created_at=now,
            expires_at=now + max(self.limits.standing_grant, request.duration),
        )

    def _record_intent(self, intent: Intent, call: Call, *, is_new_grant: bool) -> None:
        events = [entries.intended(call, intent)]
        saves = []
        if is_new_grant:
            events.insert(0, entries.granted_by_policy(call, intent))
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

    def _refuse_if_off_meanwhile(self, intent: Intent) -> None:
        """Withhold credentials of an account that was switched off while AWS was asked.

        AWS may not have the Deny yet, so what is not handed out is what ends them.
        """
        stored = self.accounts.get(intent.account.account_id)
        reason = account_refuses(stored.record) if stored else Reason.ACCOUNT_NOT_FOUND
        if reason is not None:
            raise AccessDenied(SENTENCES[reason], code=reason.value)

    def _record_failure(self, intent: Intent, call: Call, error: BrokerError) -> None:
        chain = chain_of(intent.account.account_id)
        failed = entries.failed(call, intent, code=error.code)
        self.journal.record(chain, failed, now=self.clock())

    def _record_outcome(
        self,
        intent: Intent,
        call: Call,
        token: IdentityToken,
        credentials: Credentials,
        issued_at: datetime,
    ) -> Session:
        session = Session(
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
        self.journal.record(
            chain_of(session.account_id),
            entries.opened(call, session),
            now=self.clock(),
            saves=[Save(session, expected=0)],
        )
        return session


def _chain_for(account: Account | None, reason: Reason) -> Chain:
    """The account's chain, unless it has none or the caller may not touch it."""
    if account is None or reason is Reason.FORBIDDEN:
        return BROKER_CHAIN
    return chain_of(account.account_id)
