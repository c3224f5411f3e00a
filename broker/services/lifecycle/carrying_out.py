"""Carrying out a plan: each step in the customer's account, and each in the ledger."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from broker.domain.accounts import Account
from broker.domain.ledger.entries import LedgerAction, Outcome, chain_of
from broker.domain.ports import Journal, ManagedAccount
from broker.domain.steps import Step, describe
from broker.errors import BrokerError
from broker.services.ambient import Clock
from broker.services.calls import Call


@dataclass(frozen=True, slots=True, kw_only=True)
class CarryOut:
    """Does steps in order and stops at the first that fails; planning again resumes."""

    journal: Journal
    clock: Clock

    def __call__(
        self, steps: Iterable[Step], *, account: Account, managed: ManagedAccount, call: Call
    ) -> None:
        """Do each step and record it. Raises what the failed step raised, once recorded."""
        for step in steps:
            try:
                managed.apply(step)
            except BrokerError as e:
                self._record(account, call, step, outcome=Outcome.FAILED, reason=e.code)
                raise
            self._record(account, call, step, outcome=Outcome.DONE, reason=step.why)

    def _record(
        self, account: Account, call: Call, step: Step, *, outcome: Outcome, reason: str
    ) -> None:
        self.journal.record(
            chain_of(account.account_id),
            call.event(
                LedgerAction.ACCOUNT_STEP,
                outcome,
                reason=reason,
                details={"step": describe(step)},
            ),
            now=self.clock(),
        )
