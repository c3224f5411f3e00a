"""Keys that no account's record owns: what they are, what they cost, and how they go."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from broker.domain.identifiers import AccountId
from broker.domain.identity.permissions import Action
from broker.domain.ledger.entries import BROKER_CHAIN, LedgerAction, Outcome
from broker.domain.ports import AccountRepository, Journal
from broker.errors import Conflict, DependencyUnavailable
from broker.services.ambient import Clock
from broker.services.authorization import Gate
from broker.services.calls import Call
from broker.services.paging import LIMIT, every
from keys.errors import KeyProviderError
from keys.types import KeyProvider, ListedKey, ProviderKeyState

DELETION_DAYS = 30
"""How long an orphan can still be brought back: the longest that KMS offers."""

_COSTS = (ProviderKeyState.ENABLED, ProviderKeyState.DISABLED)


@dataclass(frozen=True, slots=True)
class Orphan:
    """A key that nobody owns, its age, and what it costs by the provider's list price."""

    key: ListedKey
    age: timedelta
    monthly_usd: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Orphans:
    """Finds the orphans of one provider; `monthly_usd` is what storing one key costs there."""

    journal: Journal
    accounts: AccountRepository
    gate: Gate
    provider: KeyProvider
    monthly_usd: int
    clock: Clock

    def find(self, call: Call) -> tuple[Orphan, ...]:
        """Every key with our labels that no record owns and nobody is making, the oldest first.

        Raises AccessDenied, and DependencyUnavailable where provider or store cannot be asked.
        """
        self.gate.require(call, Action.ROTATE_KEYS)
        accounts = every(lambda cursor: self.accounts.page(cursor=cursor, limit=LIMIT))
        owned = {key.reference.locator for account in accounts for key in account.keys}
        now = self.clock()
        try:
            found = [
                self._orphan(key, now)
                for key in self.provider.inventory(without=owned)
                if self._is_orphan(key)
            ]
        except KeyProviderError as e:
            raise DependencyUnavailable(f"The keys cannot be listed: {e}.") from e
        return tuple(sorted(found, key=lambda orphan: orphan.key.created_at))

    def discard(self, orphan: Orphan, call: Call) -> None:
        """Schedule the deletion of an orphan, once the ledger has its intent.

        Raises Conflict (`key_is_owned`) where it is none any more, and like `find`.
        """
        self.gate.require(call, Action.ROTATE_KEYS)
        if not self._is_orphan(orphan.key):
            raise Conflict("The key has an owner by now. List again.", code="key_is_owned")
        self._record(orphan, Outcome.INTENDED, call)
        try:
            self.provider.discard(orphan.key, days=DELETION_DAYS)
        except KeyProviderError as e:
            self._record(orphan, Outcome.FAILED, call)
            raise DependencyUnavailable(f"The key stays as it is: {e}.") from e
        self._record(orphan, Outcome.DONE, call)

    def _is_orphan(self, key: ListedKey) -> bool:
        """Asked anew of each: it may have been recorded since, or be recorded in a moment."""
        try:
            account_id = AccountId.parse(key.owner.account_id)
        except ValueError:
            return True
        stored = self.accounts.get(account_id)
        if stored is None or stored.record.issuer_id != key.owner.issuer_id:
            return True
        known = {record.reference.locator for record in stored.record.keys}
        return key.locator not in known and stored.record.staging_since is None

    def _orphan(self, key: ListedKey, now: datetime) -> Orphan:
        cost = self.monthly_usd if key.state in _COSTS else 0
        return Orphan(key=key, age=max(now - key.created_at, timedelta(0)), monthly_usd=cost)

    def _record(self, orphan: Orphan, outcome: Outcome, call: Call) -> None:
        # In the broker's own chain: the owner that the labels name may be no account of ours.
        event = call.event(
            LedgerAction.KEY_WITHDRAWN,
            outcome,
            reason="no record owns it",
            ids={"account": orphan.key.owner.account_id},
            details={"issuer_id": orphan.key.owner.issuer_id, "locator": orphan.key.locator},
        )
        self.journal.record(BROKER_CHAIN, event, now=self.clock())
