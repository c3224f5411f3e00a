"""What is there, or the one error that says that it is not."""

from __future__ import annotations

from broker.domain.accounts import Account
from broker.domain.identifiers import AccountId, SessionId
from broker.domain.identity.permissions import Action, permits
from broker.domain.ports import AccountRepository, SessionRepository, Versioned
from broker.domain.sessions import Session
from broker.errors import NotFound
from broker.services.calls import Call


def registered(accounts: AccountRepository, account_id: AccountId) -> Versioned[Account]:
    """The account as it is now. Raises NotFound."""
    stored = accounts.get(account_id)
    if stored is None:
        raise NotFound("No such account is registered.")
    return stored


def session_for(
    sessions: SessionRepository, session_id: SessionId, call: Call, action: Action
) -> Versioned[Session]:
    """The session, for a caller who may do `action` to it; to others there is none.

    Raises NotFound.
    """
    stored = sessions.get(session_id)
    if stored is None or not permits(
        call.caller,
        action,
        account_id=stored.record.account_id,
        engineer=stored.record.engineer,
    ):
        raise NotFound("No such session.")
    return stored
