"""Removing an account: nothing of ours stays in it, and nothing can be signed for it any more."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from broker.domain.accounts import LEAVING, Account, AccountState
from broker.domain.identifiers import AccountId
from broker.domain.identity.permissions import Action
from broker.domain.ledger.entries import LedgerAction, Outcome, chain_of
from broker.domain.lifecycle import removal_plan
from broker.domain.ports import Journal, ManagementRole, Save, Versioned
from broker.domain.role_plan import RolePolicy, wanted_in
from broker.errors import DependencyUnavailable, StoreUnavailable, UpstreamRejected
from broker.services.ambient import Clock
from broker.services.authorization import Gate
from broker.services.calls import Call
from broker.services.lifecycle.carrying_out import CarryOut
from broker.services.lifecycle.key_keeping import KeyKeeping
from broker.services.lifecycle.settling import Settling
from keys.rotation import KeyRecord
from keys.types import KeyState

DELETION_DAYS = 30
"""How long KMS waits before a key is gone for good: the longest that it offers."""

TOKENS_LIVE = timedelta(minutes=10)
"""How long the last token could be presented: five minutes, and five of STS's tolerance. So long
the JWKS stays, for whoever looks into what happened."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Removal:
    """From `removing` to `removed`, and on to an issuer that answers 404; the ledger stays."""

    journal: Journal
    gate: Gate
    management: ManagementRole
    carry_out: CarryOut
    settling: Settling
    key_keeping: KeyKeeping
    sign_last: Callable[[AccountId, Call], None]
    """Has the ledger signed once more, while there still is a key."""
    policy: RolePolicy
    clock: Clock

    def ask(self, account_id: AccountId, call: Call) -> Account:
        """Start the removal: no session is opened from now on, and the worker does the rest.

        Asking again changes nothing. Raises NotFound, AccessDenied.
        """
        self.gate.require(call, Action.REMOVE_ACCOUNT, account_id=account_id)
        return self.begin(account_id, call)

    def begin(self, account_id: AccountId, call: Call) -> Account:
        """Like `ask`, on the word of the customer's own stack."""
        stored = self.settling.stored(account_id)
        if stored.record.state in LEAVING:
            return stored.record
        leaving = replace(
            stored.record,
            state=AccountState.REMOVING,
            last_error=None,
            failures=0,
            next_check_at=self.clock(),
        )
        return self._save(leaving, stored, call, Outcome.INTENDED)

    def carry_on(self, account_id: AccountId, call: Call) -> Account:
        """One pass of the removal, under the account's lease.

        What AWS hinders is written into the record and tried again; raises only where the store
        or the ledger is gone.
        """
        account = self.settling.stored(account_id).record
        if account.state is AccountState.REMOVED:
            return self._close_issuer(account_id, call)
        try:
            problem = self._empty(account, call)
            self.sign_last(account_id, call)
            for key in account.keys:
                self.key_keeping.end(key.reference)
            self.key_keeping.discard_unrecorded(account)
        except StoreUnavailable:
            raise
        except DependencyUnavailable as e:
            return self.settling.badly(account_id, e, call)
        return self._removed(account_id, call, problem=problem)

    def _empty(self, account: Account, call: Call) -> str | None:
        """Take everything of ours out of the account, or say why that is not possible.

        A customer may have deleted the stack before: then nobody can, and what is left trusts
        an issuer whose keys are gone.
        """
        wanted = wanted_in(account, self.policy, now=self.clock())
        try:
            managed = self.management.assume(account)
            steps = removal_plan(wanted, managed.observe(wanted))
            self.carry_out(steps, account=account, managed=managed, call=call)
        except UpstreamRejected as e:
            return (
                f"{e.public_message} What is left in the account can no longer be used: its "
                "issuer has no keys any more. The customer may delete it."
            )
        return None

    def _removed(self, account_id: AccountId, call: Call, *, problem: str | None) -> Account:
        stored = self.settling.stored(account_id)
        now = self.clock()
        removed = replace(
            stored.record,
            state=AccountState.REMOVED,
            last_error=problem,
            failures=0,
            staging_since=None,
            keys=tuple(
                replace(key, state=KeyState.RETIRING, retiring_at=now)
                if key.state is not KeyState.RETIRED
                else key
                for key in stored.record.keys
            ),
            next_check_at=now + TOKENS_LIVE,
        )
        return self._save(removed, stored, call, Outcome.DONE)

    def _close_issuer(self, account_id: AccountId, call: Call) -> Account:
        """Once the last token has died, the JWKS goes too."""
        stored = self.settling.stored(account_id)
        now = self.clock()
        open_keys = [key for key in stored.record.keys if key.state is not KeyState.RETIRED]
        if not open_keys:
            return stored.record
        due = max(_retiring_since(key) for key in open_keys) + TOKENS_LIVE
        if now < due:
            return stored.record
        closed = replace(
            stored.record,
            keys=tuple(
                replace(key, state=KeyState.RETIRED, retired_at=key.retired_at or now)
                for key in stored.record.keys
            ),
            next_check_at=None,
        )
        return self._save(closed, stored, call, Outcome.DONE)

    def _save(
        self, account: Account, stored: Versioned[Account], call: Call, outcome: Outcome
    ) -> Account:
        event = call.event(
            LedgerAction.ACCOUNT_REMOVED,
            outcome,
            ids={"account": account.account_id},
            details={"state": account.state.value, "problem": account.last_error or "none"},
        )
        self.journal.record(
            chain_of(account.account_id),
            event,
            now=self.clock(),
            saves=[Save(account, expected=stored.version)],
        )
        return account


def _retiring_since(key: KeyRecord) -> datetime:
    return key.retiring_at or key.created_at
