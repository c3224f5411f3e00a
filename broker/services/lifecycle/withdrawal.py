"""Taking a first try back: the account is empty again, and may be set up anew."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta

from broker.domain.accounts import Account, AccountState
from broker.domain.identifiers import AccountId
from broker.domain.ledger.entries import Outcome
from broker.domain.lifecycle import removal_plan
from broker.domain.ports import ManagementRole, Versioned
from broker.domain.role_plan import RolePolicy, wanted_in
from broker.services.ambient import Clock
from broker.services.calls import Call
from broker.services.leasing import Leasing
from broker.services.lifecycle.carrying_out import CarryOut
from broker.services.lifecycle.settling import Settling


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdraw:
    """From a creation that failed back to `registered`. Issuer, keys and ExternalId stay."""

    leasing: Leasing
    management: ManagementRole
    carry_out: CarryOut
    settling: Settling
    policy: RolePolicy
    clock: Clock

    def __call__(self, account_id: AccountId, call: Call, *, patience: timedelta) -> None:
        """Remove what the broker made in the account. Raises like `Reconcile.run`, and what AWS
        hinders."""
        with self.leasing.exclusive(account_id, holder=call.request_id, patience=patience):
            stored = self.settling.stored(account_id)
            account = stored.record
            wanted = wanted_in(account, self.policy, now=self.clock())
            managed = self.management.assume(account)
            steps = removal_plan(wanted, managed.observe(wanted))
            self.carry_out(steps, account=account, managed=managed, call=call)
            self._register_again(stored, call)

    def _register_again(self, stored: Versioned[Account], call: Call) -> None:
        """Nothing of this if the record was changed meanwhile: its removal may have begun."""
        registered = replace(
            stored.record,
            state=AccountState.REGISTERED,
            template_version=None,
            last_error=None,
            failures=0,
            next_check_at=None,
        )
        self.settling.save(
            registered, stored, call, Outcome.DONE, reason="the stack was not finished"
        )
