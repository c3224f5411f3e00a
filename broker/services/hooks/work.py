"""Working off CloudFormation's requests: done, answered, and the answer tried until it arrives."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta

from broker.domain.hooks.answers import Delivery, ResponseUrls, body_of
from broker.domain.hooks.records import Hook, HookAnswer, HookStatus
from broker.domain.hooks.requests import StackId
from broker.domain.ledger.entries import BROKER_CHAIN, LedgerAction, Outcome
from broker.domain.ports import HookRepository, Journal, Save, Versioned
from broker.errors import BrokerError, StoreUnavailable
from broker.services.ambient import Clock
from broker.services.calls import Call
from broker.services.hooks.decisions import HookDecisions

LONGEST_WAIT = timedelta(minutes=50)
"""How long a request may go undecided; the rest of CloudFormation's hour is for the answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HookWork:
    """One try at a request. Safe to repeat: each part is written down before the next begins."""

    hooks: HookRepository
    response_urls: ResponseUrls
    decisions: HookDecisions
    journal: Journal
    retry_after: Callable[[int], timedelta]
    clock: Clock

    def __call__(self, hook_id: str, call: Call) -> None:
        """Bring the request one step further, and save when it is due next.

        Raises only where the store or the ledger is gone.
        """
        stored = self.hooks.get(hook_id)
        if stored is None or stored.record.next_try_at is None:
            return
        if self.clock() >= stored.record.deadline:
            self._give_up(stored, call)
            return
        answered = self._answered(stored, call)
        if answered is not None:
            self._deliver(answered, call)

    def _answered(self, stored: Versioned[Hook], call: Call) -> Versioned[Hook] | None:
        """The request with its answer; None where it has to wait for one."""
        if stored.record.answer is not None:
            return stored
        try:
            answer = self.decisions.answer(stored.record, call)
        except StoreUnavailable:
            raise
        except BrokerError as e:
            if self.clock() - stored.record.received_at < LONGEST_WAIT:
                self._put_off(stored, call, reason=e.code)
                return None
            answer = HookAnswer(status=HookStatus.FAILED, reason=e.public_message)
        return self._decided(stored, answer, call)

    def _decided(self, stored: Versioned[Hook], answer: HookAnswer, call: Call) -> Versioned[Hook]:
        decided = replace(stored.record, answer=answer, attempts=0, next_try_at=self.clock())
        return self._save(
            stored,
            decided,
            call,
            action=LedgerAction.HOOK_WORKED_ON,
            outcome=Outcome.DONE,
        )

    def _deliver(self, stored: Versioned[Hook], call: Call) -> None:
        hook = stored.record
        if hook.answer is None or hook.response_url is None:
            return
        delivery = self.response_urls.deliver(
            hook.response_url,
            region=StackId(hook.stack_id).region,
            body=body_of(hook, hook.answer),
        )
        if delivery is Delivery.FAILED:
            self._put_off(stored, call, reason="answer_not_delivered")
            return
        self._save(
            stored,
            replace(_closed(hook), delivered_at=self.clock()),
            call,
            action=LedgerAction.HOOK_ANSWERED,
            outcome=Outcome.DONE,
        )

    def _put_off(self, stored: Versioned[Hook], call: Call, *, reason: str) -> None:
        attempts = stored.record.attempts + 1
        due = self.clock() + self.retry_after(attempts)
        self._save(
            stored,
            replace(stored.record, attempts=attempts, next_try_at=due),
            call,
            action=LedgerAction.HOOK_WORKED_ON,
            outcome=Outcome.FAILED,
            reason=reason,
        )

    def _give_up(self, stored: Versioned[Hook], call: Call) -> None:
        """CloudFormation has stopped waiting: whatever is sent now reaches nobody."""
        self._save(
            stored,
            _closed(stored.record),
            call,
            action=LedgerAction.HOOK_ANSWERED,
            outcome=Outcome.FAILED,
            reason="hour_has_passed",
        )

    def _save(
        self,
        stored: Versioned[Hook],
        hook: Hook,
        call: Call,
        *,
        action: LedgerAction,
        outcome: Outcome,
        reason: str | None = None,
    ) -> Versioned[Hook]:
        event = call.event(
            action,
            outcome,
            reason=reason,
            ids={"account": hook.account_id, "hook": hook.hook_id},
            details={
                "kind": hook.kind.value,
                "answer": hook.answer.status.value if hook.answer else "none",
            },
        )
        self.journal.record(
            BROKER_CHAIN, event, now=self.clock(), saves=[Save(hook, expected=stored.version)]
        )
        return Versioned(hook, stored.version + 1)


def _closed(hook: Hook) -> Hook:
    """Nothing more is done, and nobody can answer in the stack's name any more."""
    return replace(hook, response_url=None, next_try_at=None)
