"""Bringing an account to what is wanted: observe, plan, apply, prove."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from broker.domain.accounts import Account, AccountState
from broker.domain.identifiers import AccountId
from broker.domain.ledger import Event, LedgerAction, Outcome, chain_of
from broker.domain.lifecycle import plan
from broker.domain.permissions import Action
from broker.domain.ports import (
    AccountRepository,
    Journal,
    LeaseRepository,
    ManagedAccount,
    ManagementRole,
    Save,
    Versioned,
)
from broker.domain.role_plan import RolePolicy, wanted_in
from broker.domain.steps import Step, describe
from broker.errors import BrokerError, Conflict, NotFound, UpstreamRejected
from broker.services.ambient import Clock
from broker.services.authorization import Gate
from broker.services.calls import Call
from broker.services.canaries import Canaries, CanaryResult

LEASE = timedelta(minutes=5)
"""Longer than any reconciliation takes; the worker of the next issue renews it."""


class _CanaryFailed(UpstreamRejected):
    """AWS does not enforce what it must, or refuses what it must accept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconcile:
    """One pass over one account, under a lease; safe to repeat and to resume after a crash."""

    journal: Journal
    accounts: AccountRepository
    leases: LeaseRepository
    gate: Gate
    management: ManagementRole
    canaries: Canaries
    policy: RolePolicy
    clock: Clock

    def __call__(self, account_id: AccountId, call: Call) -> Account:
        """The account after the pass: `active`, or with the reason in `last_error`.

        Raises NotFound, AccessDenied, and Conflict (`reconciliation_running`) while another pass
        is under way.
        """
        self.gate.require(call, Action.RECONCILE_ACCOUNT, account_id=account_id)
        if self.accounts.get(account_id) is None:
            raise NotFound("No such account is registered.")
        lease = self.leases.acquire(f"account:{account_id}", holder=call.request_id, ttl=LEASE)
        if lease is None:
            raise Conflict(
                "The account is being reconciled right now. Look at it again in a few seconds.",
                code="reconciliation_running",
            )
        try:
            return self._pass(account_id, call)
        finally:
            self.leases.release(lease)

    def _pass(self, account_id: AccountId, call: Call) -> Account:
        before = self._stored(account_id)
        try:
            managed = self.management.assume(before.record)
            if before.record.state is not AccountState.ACTIVE:
                started = before.record.in_state(AccountState.PROVISIONING)
                self._save(started, expected=before.version, call=call, outcome=Outcome.INTENDED)
            self._apply(managed, call, account=before.record)
            self._prove(before.record, call)
        except BrokerError as e:
            if not isinstance(e, UpstreamRejected) and e.status < 500:
                raise
            return self._settle(account_id, call, error=e)
        return self._settle(account_id, call, error=None)

    def _apply(self, managed: ManagedAccount, call: Call, *, account: Account) -> None:
        wanted = wanted_in(account, self.policy, now=self.clock())
        for step in plan(wanted, managed.observe(wanted)):
            try:
                managed.apply(step)
            except BrokerError as e:
                self._record(account, _step_entry(call, step, Outcome.FAILED, reason=e.code))
                raise
            self._record(account, _step_entry(call, step, Outcome.DONE, reason=step.why))

    def _prove(self, account: Account, call: Call) -> None:
        results = list(self.canaries.prove(account))
        failed = [result for result in results if result.problem is not None]
        self._record(account, _canary_entry(call, results, failed))
        if failed:
            worst = failed[0]
            raise _CanaryFailed(f"A canary failed: {worst.name}: {worst.problem}.")

    def _settle(self, account_id: AccountId, call: Call, *, error: BrokerError | None) -> Account:
        """Write down how the pass ended. The record may have changed meanwhile: read it again."""
        stored = self._stored(account_id)
        if error is None:
            settled = stored.record.in_state(AccountState.ACTIVE)
        else:
            settled = stored.record.in_state(
                _state_after_failure(stored.record), error=error.public_message
            )
        self._save(
            settled,
            expected=stored.version,
            call=call,
            outcome=Outcome.FAILED if error else Outcome.DONE,
            reason=error.code if error else None,
        )
        return settled

    def _stored(self, account_id: AccountId) -> Versioned[Account]:
        stored = self.accounts.get(account_id)
        if stored is None:
            raise NotFound("No such account is registered.")
        return stored

    def _save(
        self,
        account: Account,
        *,
        expected: int,
        call: Call,
        outcome: Outcome,
        reason: str | None = None,
    ) -> None:
        event = call.event(
            LedgerAction.ACCOUNT_RECONCILED,
            outcome,
            reason=reason,
            ids={"account": account.account_id},
            details={"state": account.state.value},
        )
        self.journal.record(
            chain_of(account.account_id),
            event,
            now=self.clock(),
            saves=[Save(account, expected=expected)],
        )

    def _record(self, account: Account, event: Event) -> None:
        self.journal.record(chain_of(account.account_id), event, now=self.clock())


def _state_after_failure(account: Account) -> AccountState:
    """An account whose stack was never there stays registered; any other is degraded."""
    if account.state is AccountState.REGISTERED:
        return AccountState.REGISTERED
    return AccountState.DEGRADED


def _step_entry(call: Call, step: Step, outcome: Outcome, *, reason: str) -> Event:
    return call.event(
        LedgerAction.ACCOUNT_STEP, outcome, reason=reason, details={"step": describe(step)}
    )


def _canary_entry(call: Call, results: list[CanaryResult], failed: list[CanaryResult]) -> Event:
    return call.event(
        LedgerAction.CANARY,
        Outcome.FAILED if failed else Outcome.DONE,
        details={
            "ran": [result.name for result in results],
            "failed": [f"{result.name}: {result.problem}" for result in failed],
        },
    )
