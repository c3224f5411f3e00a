"""What a custom resource request leads to: an account set up, brought up to date, or removed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta

from broker.domain.accounts import Account, AccountState
from broker.domain.hooks.answers import SETTLING, data_of, takes_back
from broker.domain.hooks.records import Hook, HookAnswer, HookKind, HookStatus
from broker.domain.hooks.requests import without_effect
from broker.domain.ledger.entries import LedgerAction, Outcome, chain_of
from broker.domain.ports import Journal, ManagementRole, Save
from broker.errors import DependencyUnavailable, NotFound, UpstreamRejected
from broker.services.ambient import Clock
from broker.services.calls import Call
from broker.services.lifecycle.reconcile import Depth, Reconcile
from broker.services.lifecycle.removal import Removal
from broker.services.lifecycle.settling import Settling
from broker.services.lifecycle.withdrawal import Withdraw

PATIENCE = timedelta(seconds=20)
"""How long a request waits for another pass over its account to end."""

_REMOVED = (
    "This account was removed at your support organisation. Ask them to register it anew, and "
    "create the stack with the new link."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class HookDecisions:
    """Does what a request asks for, and says what CloudFormation is told of it."""

    journal: Journal
    management: ManagementRole
    reconcile: Reconcile
    removal: Removal
    withdraw: Withdraw
    settling: Settling
    name_prefix: str
    clock: Clock

    def answer(self, hook: Hook, call: Call) -> HookAnswer:
        """The answer to a request that is its account's own word.

        Raises BrokerError where it cannot be told yet: the same request is tried again.
        """
        try:
            account = self.settling.stored(hook.account_id).record
        except NotFound as e:
            return without_effect(hook.kind, e.public_message)
        match hook.kind:
            case HookKind.CREATE | HookKind.UPDATE:
                return self._set_up(hook, account, call)
            case HookKind.DELETE:
                return self._take_down(hook, account, call)

    def _set_up(self, hook: Hook, account: Account, call: Call) -> HookAnswer:
        if account.state in (AccountState.REMOVING, AccountState.REMOVED):
            return without_effect(hook.kind, _REMOVED)
        try:
            self.management.assume(account)
        except UpstreamRejected as e:
            return self._refused(hook, e.public_message)
        self._adopt(hook, call)
        account = self.reconcile.run(hook.account_id, call, depth=Depth.FULL, patience=PATIENCE)
        if account.last_error is None:
            return HookAnswer(
                status=HookStatus.SUCCESS,
                reason=f"The account is {account.state.value}.",
                data=data_of(account, name_prefix=self.name_prefix),
            )
        if account.state is AccountState.DEGRADED:
            return self._refused(hook, account.last_error)
        raise DependencyUnavailable(account.last_error)

    def _refused(self, hook: Hook, why: str) -> HookAnswer:
        """AWS's refusal is the answer once the stack's new role must be known everywhere."""
        if self.clock() - hook.received_at < SETTLING:
            raise UpstreamRejected(why)
        return HookAnswer(status=HookStatus.FAILED, reason=why)

    def _adopt(self, hook: Hook, call: Call) -> None:
        """Write down what the customer's stack says of itself."""
        stored = self.settling.stored(hook.account_id)
        adopted = replace(
            stored.record,
            template_version=hook.template_version,
            payer=hook.payer or stored.record.payer,
        )
        if adopted == stored.record:
            return
        event = call.event(
            LedgerAction.ACCOUNT_CHANGED,
            Outcome.DONE,
            reason="the customer's stack says so",
            ids={"account": hook.account_id, "hook": hook.hook_id},
            details={
                "template_version": adopted.template_version or "none",
                "payer": adopted.payer.value,
            },
        )
        self.journal.record(
            chain_of(hook.account_id),
            event,
            now=self.clock(),
            saves=[Save(adopted, expected=stored.version)],
        )

    def _take_down(self, hook: Hook, account: Account, call: Call) -> HookAnswer:
        if account.state is AccountState.REMOVED:
            return without_effect(hook.kind, "The account was removed before.")
        try:
            # Who deletes a stack has its role; whoever cannot show it changes nothing here.
            self.management.assume(account)
        except UpstreamRejected as e:
            return without_effect(hook.kind, e.public_message)
        if takes_back(hook) and account.state is not AccountState.REMOVING:
            self.withdraw(hook.account_id, call, patience=PATIENCE)
            return HookAnswer(
                status=HookStatus.SUCCESS,
                reason="Nothing is left in the account. It may be set up again at any time.",
            )
        self.removal.begin(hook.account_id, call)
        account = self.reconcile.run(hook.account_id, call, depth=Depth.FULL, patience=PATIENCE)
        if account.state is not AccountState.REMOVED:
            raise DependencyUnavailable(account.last_error or "The removal is not finished yet.")
        return HookAnswer(
            status=HookStatus.SUCCESS,
            reason=account.last_error or "The account is removed; nothing is left in it.",
        )
