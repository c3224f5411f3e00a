"""How a pass over an account ends: its state, the reason of a bad one, and when next."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog

from broker.domain.accounts import LEAVING, Account, AccountState
from broker.domain.identifiers import AccountId
from broker.domain.ledger.entries import LedgerAction, Outcome, chain_of
from broker.domain.ports import AccountRepository, Journal, Save, Versioned
from broker.errors import BrokerError, UpstreamRejected
from broker.services.ambient import Clock
from broker.services.calls import Call
from broker.services.registered import registered

FULL_CHECK_EVERY = timedelta(hours=6)
"""How often a healthy account is looked at: drift is rare, and a check costs some thirty calls."""


UNPROVED_CHECK_EVERY = timedelta(minutes=10)
"""How soon an account is looked at again that a quick pass left as it was, degraded say."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settling:
    """Reads an account afresh and writes how a pass over it ended."""

    journal: Journal
    accounts: AccountRepository
    retry_after: Callable[[int], timedelta]
    keys_due: Callable[[Account], datetime]
    """When something is to be done about an account's keys."""
    clock: Clock

    def stored(self, account_id: AccountId) -> Versioned[Account]:
        """The account as it is now. Raises NotFound."""
        return registered(self.accounts, account_id)

    def well(self, planned: Account, state: AccountState, call: Call) -> Account:
        """The pass succeeded: what `planned` wants stands in the account, which is in `state`.

        A removal that was asked for meanwhile goes on, and whatever else is wanted since then is
        due at once; otherwise the account is looked at again in its turn.
        """
        stored = self.stored(planned.account_id)
        if stored.record.state in LEAVING:
            return stored.record
        now = self.clock()
        is_current = _wants(stored.record) == _wants(planned)
        proved = state is AccountState.ACTIVE
        settled = replace(
            stored.record,
            state=state,
            last_error=None if proved else stored.record.last_error,
            failures=0,
            revocations=stored.record.revocations.at(now),
            next_check_at=now,
        )
        if is_current:
            settled = replace(settled, next_check_at=self._next_check(settled, now))
        return self.save(settled, stored, call, Outcome.DONE)

    def badly(self, account_id: AccountId, error: BrokerError, call: Call) -> Account:
        """The pass failed. Only AWS's word degrades an account; a bad connection does not."""
        stored = self.stored(account_id)
        failures = stored.record.failures + 1
        settled = replace(
            stored.record,
            state=_state_after(stored.record.state, error),
            last_error=error.public_message,
            failures=failures,
            next_check_at=self.clock() + self.retry_after(failures),
        )
        if settled.state is AccountState.REGISTERED and settled.staging_since is None:
            # Nobody waits for a stack: its hook, or the console, says when it is there.
            settled = replace(settled, next_check_at=None)
        if settled.state is AccountState.DEGRADED:
            _log.error("account_degraded", account=account_id, code=error.code)
        return self.save(settled, stored, call, Outcome.FAILED, reason=error.code)

    def _next_check(self, account: Account, now: datetime) -> datetime:
        every = FULL_CHECK_EVERY if account.state is AccountState.ACTIVE else UNPROVED_CHECK_EVERY
        regular = now + every
        expiry = account.revocations.next_expiry(now)
        return min(regular, self.keys_due(account), expiry or regular)

    def save(
        self,
        account: Account,
        stored: Versioned[Account],
        call: Call,
        outcome: Outcome,
        *,
        reason: str | None = None,
    ) -> Account:
        """Write `account` over what was stored, with an entry that says how it went."""
        event = call.event(
            LedgerAction.ACCOUNT_RECONCILED,
            outcome,
            reason=reason,
            ids={"account": account.account_id},
            details={"state": account.state.value, "was": stored.record.state.value},
        )
        self.journal.record(
            chain_of(account.account_id),
            event,
            now=self.clock(),
            saves=[Save(account, expected=stored.version)],
        )
        return account


def _state_after(state: AccountState, error: BrokerError) -> AccountState:
    """An account whose stack was never there stays registered, one on its way out goes on."""
    if state is AccountState.REGISTERED or state in LEAVING:
        return state
    return AccountState.DEGRADED if isinstance(error, UpstreamRejected) else state


def _wants(account: Account) -> tuple[object, ...]:
    """What a pass brings about in the account; a pass that planned from less is not the last."""
    return account.consent, account.profile, account.payer, account.revocations
