"""Ending live sessions on request: written down first, then brought into the account at once."""

from __future__ import annotations

from dataclasses import dataclass

from broker.domain.accounts import Account, Consent
from broker.domain.identifiers import AccountId, SessionId
from broker.domain.identity.permissions import Action
from broker.domain.ports import AccountRepository, SessionRepository
from broker.domain.revocations import OfAccount
from broker.domain.sessions import Session
from broker.services.authorization import Gate
from broker.services.calls import Call
from broker.services.registered import registered, session_for
from broker.services.revocation.enforcing import Enforcing, still_pending
from broker.services.revocation.mass_revoking import RevokeMany
from broker.services.revocation.session_ends import SessionEnds


@dataclass(frozen=True, slots=True, kw_only=True)
class Revoking:
    """Revokes one session, or all of an account."""

    accounts: AccountRepository
    sessions: SessionRepository
    gate: Gate
    ends: SessionEnds
    enforcing: Enforcing
    many: RevokeMany

    def session(self, session_id: SessionId, call: Call) -> Session:
        """End one session, and return once the Deny stands in the account.

        Asking again is safe, and mends a Deny that did not get there. Raises NotFound,
        AccessDenied, and DependencyUnavailable (`revocation_pending`) where AWS does not answer:
        then it is written down, and the worker tries until it is done.
        """
        self.gate.require_role(call, Action.REVOKE_SESSION)
        stored = session_for(self.sessions, session_id, call, Action.REVOKE_SESSION)
        account_id = stored.record.account_id
        self.ends.end(account_id, [session_id], call, reason=None)
        denied = self.enforcing.sessions(account_id, [session_id], call)
        return denied[0]

    def account(self, account_id: AccountId, call: Call) -> Account:
        """End whatever there is in the account, grants included. Raises like `session`."""
        revoked = self.many(OfAccount(account_id), call, reason="all sessions of the account")
        if revoked.pending:
            raise still_pending("AWS does not take it at the moment.")
        return registered(self.accounts, account_id).record

    def enforce_consent(self, account_id: AccountId, call: Call) -> Account:
        """Bring a consent that was just written down into the account. Raises like `session`."""
        ended: tuple[Session, ...] = ()
        if registered(self.accounts, account_id).record.consent is Consent.OFF:
            ended = self.ends.end_living(account_id, call, reason="the customer's consent is off")
        account = self.enforcing.account(account_id, call)
        self.ends.denied(account_id, [session.session_id for session in ended], call)
        return account
