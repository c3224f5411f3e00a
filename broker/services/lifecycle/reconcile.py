"""Bringing an account to what is wanted: observe, plan, carry out, prove."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum

from broker.domain.accounts import LEAVING, Account, AccountState, Consent
from broker.domain.identifiers import AccountId
from broker.domain.identity.permissions import Action
from broker.domain.ledger.entries import Event, LedgerAction, Outcome, chain_of
from broker.domain.lifecycle import plan, silencing_plan
from broker.domain.ports import Journal, ManagedAccount, ManagementRole
from broker.domain.role_plan import RolePolicy, wanted_in
from broker.domain.steps import Step
from broker.domain.trail.own_sessions import OwnSession
from broker.errors import BrokerError, DependencyUnavailable, StoreUnavailable, UpstreamRejected
from broker.services.ambient import Clock
from broker.services.authorization import Gate
from broker.services.calls import Call
from broker.services.leasing import HELD_FOR, NO_PATIENCE, Leasing
from broker.services.lifecycle.canaries import Canaries, CanaryResult, access_keys
from broker.services.lifecycle.carrying_out import CarryOut
from broker.services.lifecycle.key_keeping import KeyKeeping
from broker.services.lifecycle.removal import Removal
from broker.services.lifecycle.settling import Settling


class Depth(StrEnum):
    """How thorough a pass is."""

    FULL = "full"
    """Everything, and the canaries that prove it."""

    QUICK = "quick"
    """Only the difference between what is found and what is wanted: to revoke at once."""


class CanaryFailed(UpstreamRejected):
    """AWS does not enforce what it must, or refuses what it must accept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconcile:
    """One pass over one account, under its lease; safe to repeat and to resume after a crash."""

    journal: Journal
    gate: Gate
    leasing: Leasing
    key_keeping: KeyKeeping
    management: ManagementRole
    carry_out: CarryOut
    canaries: Canaries
    removal: Removal
    settling: Settling
    policy: RolePolicy
    clock: Clock

    def __call__(self, account_id: AccountId, call: Call) -> Account:
        """A full pass on a caller's request. Raises AccessDenied, and what `run` raises."""
        self.gate.require(call, Action.RECONCILE_ACCOUNT, account_id=account_id)
        return self.run(account_id, call, depth=Depth.FULL)

    def run(
        self,
        account_id: AccountId,
        call: Call,
        *,
        depth: Depth,
        patience: timedelta = NO_PATIENCE,
    ) -> Account:
        """The account after a pass: as wanted, or with the reason in `last_error`.

        Raises NotFound, StoreUnavailable, and Conflict (`reconciliation_running`) while another
        pass holds the account for all of `patience`.
        """
        self.settling.stored(account_id)
        with self.leasing.exclusive(account_id, holder=call.request_id, patience=patience):
            account = self.settling.stored(account_id).record
            if account.state in LEAVING:
                return self.removal.carry_on(account_id, call)
            return self._pass(account_id, call, depth=depth)

    def planned(self, account_id: AccountId, call: Call) -> tuple[Step, ...]:
        """What a pass would do now, without doing it. Raises like `run`, and UpstreamRejected."""
        self.gate.require(call, Action.RECONCILE_ACCOUNT, account_id=account_id)
        account = self.settling.stored(account_id).record
        return self._plan(account, self.management.assume(account))

    def _pass(self, account_id: AccountId, call: Call, *, depth: Depth) -> Account:
        try:
            if depth is Depth.FULL and not self.settling.stored(account_id).record.keys:
                # IAM reads the JWKS when the provider is made, so there must be one.
                self.key_keeping.tend(account_id, call)
            account = self._converge(account_id, call)
            if depth is Depth.FULL:
                # Only now: a key provider that is gone must not keep the roles from repair.
                self.key_keeping.tend(account_id, call)
            if depth is Depth.FULL and account.consent is not Consent.OFF:
                self._prove(account, call)
        except BrokerError as e:
            if not _is_of_aws(e):
                raise
            return self.settling.badly(account_id, e, call)
        return self.settling.well(account, _state_when_well(account, depth), call)

    def _converge(self, account_id: AccountId, call: Call) -> Account:
        stored = self.settling.stored(account_id)
        account = stored.record
        managed = self.management.assume(account)
        if account.state is AccountState.REGISTERED:
            # Nobody looked at it while it waited for its stack. Should this pass be cut off, the
            # worker comes once the lease has run out.
            account = replace(
                account,
                state=AccountState.PROVISIONING,
                next_check_at=self.clock() + HELD_FOR,
            )
            self.settling.save(account, stored, call, Outcome.INTENDED)
        steps = self._plan(account, managed)
        self.carry_out(steps, account=account, managed=managed, call=call)
        return account

    def _plan(self, account: Account, managed: ManagedAccount) -> tuple[Step, ...]:
        wanted = wanted_in(account, self.policy, now=self.clock())
        plan_for = silencing_plan if account.consent is Consent.OFF else plan
        return plan_for(wanted, managed.observe(wanted))

    def _prove(self, account: Account, call: Call) -> None:
        own = self.canaries.new_session()
        chain = chain_of(account.account_id)
        self.journal.record(chain, _canaries_intended(call, own), now=self.clock())
        results = list(self.canaries.prove(account, own))
        failed = [result for result in results if result.problem is not None]
        self.journal.record(chain, _canary_entry(call, results, failed, own), now=self.clock())
        if failed:
            worst = failed[0]
            raise CanaryFailed(f"A canary failed: {worst.name}: {worst.problem}.")


def _is_of_aws(error: BrokerError) -> bool:
    """Whether AWS, and not the store or the ledger, is the reason: only that can be recorded."""
    of_store = isinstance(error, StoreUnavailable)
    return isinstance(error, UpstreamRejected | DependencyUnavailable) and not of_store


def _state_when_well(account: Account, depth: Depth) -> AccountState:
    """Only a proof makes an account active; without one it keeps the state that it had."""
    proved = depth is Depth.FULL and account.consent is not Consent.OFF
    return AccountState.ACTIVE if proved else account.state


def _canaries_intended(call: Call, own: OwnSession) -> Event:
    """Before: should we die on the way, the trail has what the ledger still knows."""
    return call.event(LedgerAction.CANARY, Outcome.INTENDED, ids=own.ids, details=own.details())


def _canary_entry(
    call: Call, results: list[CanaryResult], failed: list[CanaryResult], own: OwnSession
) -> Event:
    return call.event(
        LedgerAction.CANARY,
        Outcome.FAILED if failed else Outcome.DONE,
        ids=own.ids,
        details={
            "ran": [result.name for result in results],
            "failed": [f"{result.name}: {result.problem}" for result in failed],
            **own.details(access_keys(results)),
        },
    )
