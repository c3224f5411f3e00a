"""Answers: tried until they arrive or nobody waits any more, and never longer than they may be."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest

from broker.domain.hooks.answers import LARGEST, Delivery, body_of, physical_id, takes_back
from broker.domain.hooks.records import Hook, HookAnswer, HookKind, HookStatus
from broker.domain.ledger.entries import BROKER_CHAIN, Event, LedgerAction, Outcome
from broker.domain.ports import Save, Task, TaskKind
from broker.errors import BrokerError, DependencyUnavailable, LedgerUnavailable, StoreUnavailable
from broker.services.calls import Call
from broker.services.hooks.work import LONGEST_WAIT
from tests.contract.store_samples import a_hook
from tests.integration.hooks.world import OPERATOR, STACK, HookWorld

DONE = HookAnswer(status=HookStatus.SUCCESS, reason="The account is active.", data={"A": "b"})
NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def test_an_answer_that_s3_refuses_at_first(world: HookWorld) -> None:
    """It is sent again until it arrives; what was decided is not decided anew."""
    before = world.ledger_head()
    account = world.registered()
    world.sandbox.refuse_answers(3)
    with world.at_work():
        world.deploy(account)
        world.sandbox.delete_stack(account.account_id, STACK)
    told = [
        (entry.action, entry.outcome, entry.reason)
        for entry in world.ledger(after=before)
        if entry.ids.get("account") == account.account_id
    ]
    failed = ("hook.worked_on", "failed", "answer_not_delivered")
    assert told[:6] == [
        ("hook.received", "intended", None),
        ("hook.worked_on", "done", None),
        failed,
        failed,
        failed,
        ("hook.answered", "done", None),
    ]


@dataclass
class Sent:
    """Notes what is sent, and how it fares."""

    fares: Delivery = Delivery.ACCEPTED
    bodies: list[bytes] = field(default_factory=list)

    def objection(self, url: str, *, region: str) -> str | None:
        raise AssertionError((url, region))

    def deliver(self, url: str, *, region: str, body: bytes) -> Delivery:
        assert url.startswith("https://")
        assert region == "us-east-1"
        self.bodies.append(body)
        return self.fares


@dataclass
class Deciding:
    """Decides as it is told."""

    answer_with: HookAnswer | Exception = DONE
    asked: int = 0

    def answer(self, hook: Hook, call: Call) -> HookAnswer:
        del hook, call
        self.asked += 1
        if isinstance(self.answer_with, Exception):
            raise self.answer_with
        return self.answer_with


@dataclass
class Case:
    """One request in the store, worked on at times of the test's own."""

    world: HookWorld
    hook_id: str
    sent: Sent = field(default_factory=Sent)
    deciding: Deciding = field(default_factory=Deciding)

    def work_at(self, after: timedelta) -> Hook:
        """The request after a try so long after its arrival."""
        work = replace(
            self.world.work,
            response_urls=self.sent,
            decisions=self.deciding,
            clock=lambda: NOW + after,
            retry_after=lambda failures: failures * timedelta(seconds=1),
        )
        work(self.hook_id, OPERATOR)
        return self.hook

    @property
    def hook(self) -> Hook:
        stored = self.world.services.store.hooks.get(self.hook_id)
        assert stored is not None
        return stored.record


@pytest.fixture
def case(world: HookWorld) -> Case:
    hook = replace(a_hook(), hook_id=secrets.token_hex(16))
    event = Event(
        actor="test",
        action=LedgerAction.HOOK_RECEIVED,
        outcome=Outcome.INTENDED,
        ids={"hook": hook.hook_id},
    )
    world.services.store.journal.record(
        BROKER_CHAIN, event, now=NOW, saves=[Save(hook, expected=0)]
    )
    return Case(world, hook.hook_id)


def test_a_request_is_decided_once_and_answered_until_it_arrives(case: Case) -> None:
    """The decision is kept, and with the answer's arrival the secret address goes."""
    case.sent.fares = Delivery.FAILED
    for minutes in (1, 2, 3):
        hook = case.work_at(timedelta(minutes=minutes))
        assert hook.answer == DONE
        assert hook.attempts == minutes
        assert hook.next_try_at == NOW + timedelta(minutes=minutes, seconds=minutes)
        assert hook.response_url is not None
    case.sent.fares = Delivery.ACCEPTED
    hook = case.work_at(timedelta(minutes=4))
    assert hook.delivered_at == NOW + timedelta(minutes=4)
    assert hook.response_url is None
    assert hook.next_try_at is None
    assert case.deciding.asked == 1
    assert len(case.sent.bodies) == 4
    assert len(set(case.sent.bodies)) == 1


def test_nothing_more_is_done_with_what_is_answered(case: Case) -> None:
    """A task that comes once too often is done with."""
    case.work_at(timedelta(minutes=1))
    hook = case.work_at(timedelta(minutes=2))
    assert hook.delivered_at == NOW + timedelta(minutes=1)
    assert case.deciding.asked == len(case.sent.bodies) == 1


def test_the_hour_has_passed(case: Case) -> None:
    """Nobody waits any more: nothing is decided, nothing sent, and the address goes."""
    hook = case.work_at(timedelta(hours=1))
    assert hook.delivered_at is None
    assert hook.response_url is None
    assert hook.next_try_at is None
    assert case.deciding.asked == len(case.sent.bodies) == 0
    last = case.world.ledger()[-1]
    assert (last.action, last.outcome, last.reason) == (
        "hook.answered",
        "failed",
        "hour_has_passed",
    )


def test_an_answer_that_never_arrives_is_given_up(case: Case) -> None:
    """At the end of the hour, and not before."""
    case.sent.fares = Delivery.FAILED
    assert case.work_at(timedelta(minutes=59)).next_try_at is not None
    assert case.work_at(timedelta(minutes=60)).next_try_at is None
    assert len(case.sent.bodies) == 1


def test_what_cannot_be_decided_yet_is_put_off(case: Case) -> None:
    """AWS or another pass is in the way: tried again, and told before the hour is over."""
    case.deciding.answer_with = DependencyUnavailable("AWS does not answer at the moment.")
    hook = case.work_at(timedelta(minutes=1))
    assert hook.answer is None
    assert hook.next_try_at == NOW + timedelta(minutes=1, seconds=1)
    assert case.sent.bodies == []
    hook = case.work_at(LONGEST_WAIT)
    assert hook.answer == HookAnswer(
        status=HookStatus.FAILED, reason="AWS does not answer at the moment."
    )
    assert hook.delivered_at == NOW + LONGEST_WAIT


@pytest.mark.parametrize("gone", [StoreUnavailable("gone"), LedgerUnavailable("gone")])
def test_an_outage_of_our_own_is_the_workers_to_repeat(gone: BrokerError, case: Case) -> None:
    """It cannot be written down, so it is raised."""
    case.deciding.answer_with = gone
    with pytest.raises(StoreUnavailable):
        case.work_at(timedelta(minutes=1))
    assert case.hook.attempts == 0


def test_an_unknown_request(world: HookWorld) -> None:
    """Nothing to do."""
    before = world.ledger_head()
    world.work("0" * 32, OPERATOR)
    assert world.ledger_head() == before


def test_the_answer_repeats_what_it_answers() -> None:
    """Word for word, as CloudFormation demands."""
    hook = a_hook()
    assert json.loads(body_of(hook, DONE)) == {
        "Status": "SUCCESS",
        "Reason": "The account is active.",
        "PhysicalResourceId": f"support-access-{hook.account_id}",
        "StackId": hook.stack_id,
        "RequestId": hook.request_id,
        "LogicalResourceId": hook.logical_resource_id,
        "Data": {"A": "b"},
    }


def test_a_resource_keeps_its_name() -> None:
    """Another one would be a replacement: CloudFormation would delete the old."""
    named = a_hook(kind=HookKind.UPDATE, physical_resource_id="as it was")
    failed = HookAnswer(status=HookStatus.FAILED, reason="why")
    assert physical_id(named, DONE) == physical_id(named, failed) == "as it was"


def test_a_creation_that_failed_is_told_by_its_name() -> None:
    """Its deletion takes back and removes nobody, also where CloudFormation made the name up."""
    failed = HookAnswer(status=HookStatus.FAILED, reason="why")
    name = physical_id(a_hook(), failed)
    assert takes_back(a_hook(kind=HookKind.DELETE, physical_resource_id=name))
    made_up = "support-access-Hook-1A2B3C"
    assert takes_back(a_hook(kind=HookKind.DELETE, physical_resource_id=made_up))
    assert not takes_back(a_hook(kind=HookKind.UPDATE, physical_resource_id=name))
    settled = physical_id(a_hook(), DONE)
    assert not takes_back(a_hook(kind=HookKind.DELETE, physical_resource_id=settled))


@pytest.mark.parametrize("reason", ["x" * 10_000, "ü" * 1000, "\U0001f600" * 1000])
def test_no_answer_is_longer_than_cloudformation_reads(reason: str) -> None:
    """Whatever the reason, the identifiers and the data are."""
    hook = a_hook(
        stack_id="arn:aws:cloudformation:us-east-1:000000000001:stack/"
        + "s" * 128
        + "/"
        + "1" * 64,
        request_id="r" * 128,
        logical_resource_id="l" * 128,
        physical_resource_id="p" * 1024,
        kind=HookKind.UPDATE,
    )
    answer = HookAnswer(status=HookStatus.FAILED, reason=reason, data={"Long": "d" * 2000})
    body = body_of(hook, answer)
    assert len(body) <= LARGEST
    assert json.loads(body)["Reason"]


def test_a_hook_is_a_task_of_the_agenda(case: Case) -> None:
    """Until it is done with."""
    agenda = case.world.services.store.agenda
    task = Task(TaskKind.HOOK, case.hook_id)
    claimed = agenda.claim(now=NOW, hold=timedelta(seconds=0), limit=100)
    assert task in claimed
    case.work_at(timedelta(minutes=1))
    later = agenda.claim(now=NOW + timedelta(days=1), hold=timedelta(seconds=0), limit=100)
    assert task not in later
