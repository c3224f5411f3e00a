"""Taking in what SNS delivers: verified, written down once, and left to the worker."""

from __future__ import annotations

from dataclasses import dataclass

import structlog

from broker.domain.budget import Budget
from broker.domain.hooks.answers import ResponseUrls
from broker.domain.hooks.records import Hook, HookAnswer, hook_id_of
from broker.domain.hooks.requests import HookRequest, MalformedHook, answer_to, objection, parse
from broker.domain.hooks.sns import (
    MessageKind,
    MessageRefused,
    SnsMessage,
    SnsMessages,
    Subscriptions,
)
from broker.domain.ledger.entries import BROKER_CHAIN, Detail, LedgerAction, Outcome
from broker.domain.ports import AccountRepository, HookRepository, Journal, Save
from broker.errors import AccessDenied, Conflict, RateLimited
from broker.services.ambient import Clock
from broker.services.calls import Call
from broker.services.observations import Observer

REFUSALS_A_MINUTE = 60
"""How many ledger entries what is refused may cause in this process. Beyond that it is counted and
logged only, so that nobody fills the ledger by talking to us."""

STRANGERS_A_MINUTE = 60
"""How many requests that do not belong to the account that they name are taken in by this process.
Beyond that SNS is asked to come again: a customer who made a mistake still gets an answer."""

_WAIT_SECONDS = 20
_log = structlog.get_logger(__name__)


class HookRefused(AccessDenied):
    """A message is not believed, or asks for something that we never do."""

    code = "hook_refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class HookReception:
    """What is done before SNS gets its answer; everything slow is the worker's."""

    messages: SnsMessages
    subscriptions: Subscriptions
    response_urls: ResponseUrls
    journal: Journal
    hooks: HookRepository
    accounts: AccountRepository
    name_prefix: str
    refusals: Budget
    strangers: Budget
    observer: Observer
    clock: Clock

    def receive(self, body: bytes, call: Call) -> None:
        """Take in one delivery; the same one again has no second effect.

        Raises HookRefused for what is not believed, which SNS does not deliver again, and
        RateLimited, DependencyUnavailable and UpstreamRejected, after which it does.
        """
        try:
            message = self.messages.verify(body)
        except MessageRefused as e:
            raise self._refusal(call, e.fault.value) from e
        match message.kind:
            case MessageKind.NOTIFICATION:
                self._take(message, call)
            case MessageKind.SUBSCRIPTION:
                self._subscribe(message, call)
            case MessageKind.UNSUBSCRIPTION:
                self._note_end(message, call)

    def _take(self, message: SnsMessage, call: Call) -> None:
        try:
            request = parse(message.text)
        except MalformedHook as e:
            raise self._refusal(call, "malformed_request") from e
        region = message.topic.region
        if request.stack_id.region != region:
            raise self._refusal(call, "stack_of_another_region")
        fault = self.response_urls.objection(request.response_url, region=region)
        if fault is not None:
            raise self._refusal(call, f"response_url_{fault}")
        self._write_down(request, call)

    def _write_down(self, request: HookRequest, call: Call) -> None:
        hook_id = hook_id_of(stack_id=request.stack_id, request_id=request.request_id)
        if self.hooks.get(hook_id) is not None:
            return
        stored = self.accounts.get(request.account_id)
        objected = objection(
            request, stored.record if stored else None, name_prefix=self.name_prefix
        )
        if objected is not None and not self.strangers.spend(self.clock()):
            _log.warning("hook_put_off", reason=objected.value)
            raise RateLimited(
                "Too many requests do not belong to the account that they name.",
                extra={"retry_after": _WAIT_SECONDS},
            )
        answer = None if objected is None else answer_to(request.kind, objected)
        hook = self._hook(hook_id, request, answer)
        event = call.event(
            LedgerAction.HOOK_RECEIVED,
            Outcome.INTENDED if objected is None else Outcome.REFUSED,
            reason=objected,
            ids={"account": hook.account_id, "hook": hook_id},
            details={"kind": hook.kind.value, "stack": hook.stack_id},
        )
        if objected is not None:
            self._notice(objected.value)
        try:
            self.journal.record(
                BROKER_CHAIN, event, now=self.clock(), saves=[Save(hook, expected=0)]
            )
        except Conflict:
            # Delivered twice at the same time: the other one was first.
            return

    def _hook(self, hook_id: str, request: HookRequest, answer: HookAnswer | None) -> Hook:
        now = self.clock()
        return Hook(
            hook_id=hook_id,
            kind=request.kind,
            stack_id=request.stack_id,
            request_id=request.request_id,
            logical_resource_id=request.logical_resource_id,
            physical_resource_id=request.physical_resource_id,
            account_id=request.account_id,
            template_version=request.template_version,
            payer=request.payer,
            response_url=request.response_url,
            received_at=now,
            next_try_at=now,
            answer=answer,
        )

    def _subscribe(self, message: SnsMessage, call: Call) -> None:
        self.subscriptions.confirm(message)
        self._record(call, LedgerAction.TOPIC_CONFIRMED, Outcome.DONE, topic=message.topic)

    def _note_end(self, message: SnsMessage, call: Call) -> None:
        """Somebody ended our subscription: no hook arrives any more until it is made anew."""
        _log.error("topic_unsubscribed", topic=message.topic)
        self._record(
            call,
            LedgerAction.TOPIC_CONFIRMED,
            Outcome.FAILED,
            reason="unsubscribed",
            topic=message.topic,
        )

    def _refusal(self, call: Call, reason: str) -> HookRefused:
        """Note the refusal; the error says no more than that there was one."""
        self._notice(reason)
        if self.refusals.spend(self.clock()):
            self._record(call, LedgerAction.HOOK_REFUSED, Outcome.REFUSED, reason=reason)
        return HookRefused("This is no message that the broker acts on.")

    def _notice(self, reason: str) -> None:
        self.observer.hook_refused(reason=reason)
        _log.warning("hook_refused", reason=reason)

    def _record(
        self,
        call: Call,
        action: LedgerAction,
        outcome: Outcome,
        *,
        reason: str | None = None,
        **details: Detail,
    ) -> None:
        event = call.event(action, outcome, reason=reason, details=details)
        self.journal.record(BROKER_CHAIN, event, now=self.clock())
