"""An account that is there, or the one error that says that it is not."""

from __future__ import annotations

from broker.domain.accounts import Account
from broker.domain.identifiers import AccountId
from broker.domain.ports import AccountRepository, Versioned
from broker.errors import NotFound


def registered(accounts: AccountRepository, account_id: AccountId) -> Versioned[Account]:
    """The account as it is now. Raises NotFound."""
    stored = accounts.get(account_id)
    if stored is None:
        raise NotFound("No such account is registered.")
    return stored
