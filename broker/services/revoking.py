"""Ending live sessions: written down first, then brought into the account at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TypeVar

from broker.domain.accounts import Account
from broker.domain.identifiers import AccountId, SessionId
from broker.domain.ledger import Event, LedgerAction, Outcome, chain_of
from broker.domain.permissions import Action, permits
from broker.domain.ports import AccountRepository, Journal, Save, SessionRepository, Versioned
from broker.domain.revocations import RevokedSession
from broker.domain.sessions import Session
from broker.errors import Conflict, DependencyUnavailable, NotFound
from broker.services.ambient import Clock
from broker.services.authorization import Gate
from broker.services.calls import Call
from broker.services.reconcile import Depth, Reconcile

T = TypeVar("T")

PATIENCE = timedelta(seconds=20)
"""How long a revocation waits for another pass over the account to end."""

_TRIES = 10
"""Revocations of one account that meet write its record in turn."""


@dataclass(frozen=True, slots=True)
class Revoked:
    """A session that was revoked, and how long AWS's side of it took."""

    session: Session
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Revoking:
    """Revokes one session, or all of an account."""

    journal: Journal
    accounts: AccountRepository
    sessions: SessionRepository
    gate: Gate
    reconcile: Reconcile
    longest_session: timedelta
    clock: Clock

    def session(self, session_id: SessionId, call: Call) -> Revoked:
        """End one session, and return once the Deny stands in the account.

        Asking again is safe, and mends a Deny that did not get there. Raises NotFound,
        AccessDenied, and DependencyUnavailable (`revocation_pending`) where AWS does not answer:
        then it is written down, and the worker tries until it is done.
        """
        self.gate.require_role(call, Action.REVOKE_SESSION)
        begun = self.clock()
        session = self._recorded_session(session_id, call)
        self._enforce(session.account_id, call)
        return Revoked(session, (self.clock() - begun).total_seconds())

    def everything(self, account_id: AccountId, call: Call) -> Account:
        """End every live session of the account. Raises like `session`."""
        self.gate.require(call, Action.REVOKE_ACCOUNT, account_id=account_id)
        self._retried(lambda: self._record_everything(account_id, call))
        return self._enforce(account_id, call)

    def enforce_consent(self, account_id: AccountId, call: Call) -> Account:
        """Bring a consent that was just written down into the account. Raises like `session`."""
        return self._enforce(account_id, call)

    def _recorded_session(self, session_id: SessionId, call: Call) -> Session:
        return self._retried(lambda: self._record_session(session_id, call))

    def _record_session(self, session_id: SessionId, call: Call) -> Session:
        stored = self.sessions.get(session_id)
        if stored is None or not _may_revoke(call, stored.record):
            raise NotFound("No such session.")
        if stored.record.revoked_at is not None:
            return stored.record
        account = self._account(stored.record.account_id)
        now = self.clock()
        revoked = replace(stored.record, revoked_at=now)
        ending = RevokedSession(session_id=session_id, expires_at=revoked.expires_at)
        revocations = account.record.revocations.with_session(ending, now=now)
        by_time = not revocations.sessions
        event = call.event(
            LedgerAction.SESSION_REVOKED,
            Outcome.INTENDED,
            reason="all sessions so far, since too many were revoked" if by_time else None,
            ids={"session": session_id, "ticket": revoked.ticket_id},
            details={"engineer": revoked.engineer},
        )
        self._save(
            event,
            Save(revoked, expected=stored.version),
            Save(
                replace(account.record, revocations=revocations, next_check_at=now),
                expected=account.version,
            ),
        )
        return revoked

    def _record_everything(self, account_id: AccountId, call: Call) -> None:
        account = self._account(account_id)
        now = self.clock()
        revocations = account.record.revocations.with_everything(
            issued_before=now, until=now + self.longest_session
        )
        changed = replace(account.record, revocations=revocations, next_check_at=now)
        event = call.event(
            LedgerAction.ACCOUNT_REVOKED, Outcome.INTENDED, ids={"account": account_id}
        )
        self._save(event, Save(changed, expected=account.version))

    def _enforce(self, account_id: AccountId, call: Call) -> Account:
        account = self.reconcile.run(account_id, call, depth=Depth.QUICK, patience=PATIENCE)
        if account.failures:
            raise DependencyUnavailable(
                "It is written down, and no new session opens where that matters, but AWS has not "
                f"taken it yet: {account.last_error} It is tried again by itself.",
                code="revocation_pending",
            )
        return account

    def _account(self, account_id: AccountId) -> Versioned[Account]:
        stored = self.accounts.get(account_id)
        if stored is None:
            raise NotFound("No such account is registered.")
        return stored

    def _save(self, event: Event, *saves: Save) -> None:
        account_id = next(
            save.record.account_id for save in saves if isinstance(save.record, Account)
        )
        self.journal.record(chain_of(account_id), event, now=self.clock(), saves=saves)

    def _retried(self, write: Callable[[], T]) -> T:
        """Write again where another write of the same record came between."""
        for _ in range(_TRIES - 1):
            try:
                return write()
            except Conflict:
                continue
        return write()


def _may_revoke(call: Call, session: Session) -> bool:
    return permits(
        call.caller,
        Action.REVOKE_SESSION,
        account_id=session.account_id,
        engineer=session.engineer,
    )
