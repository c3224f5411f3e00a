"""Hooks that are not what they seem: each is refused, logged, ledgered, and nothing is done."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pytest
from structlog.testing import capture_logs

from broker.domain.accounts import Account, AccountState
from broker.domain.hooks.records import HookStatus
from broker.domain.hooks.sns import MessageKind, SnsMessage
from broker.domain.ledger.entries import LedgerEntry
from broker.errors import DependencyUnavailable
from broker.sandbox.process import SandboxError
from broker.services.hooks import reception as hook_reception
from tests.integration.hooks.world import OPERATOR, REGION, STACK, TOPIC, HookWorld, template
from tests.integration.sandbox.subscriber import Subscriber

INTRUDER = "666600006666"
BUCKET = f"cloudformation-custom-resource-response-useast1.s3.{REGION}.amazonaws.com"


@pytest.fixture(scope="module")
def victim(world: HookWorld) -> Account:
    """An account in which everything stands."""
    with world.at_work():
        return world.onboarded()


@dataclass
class Intruder:
    """An AWS customer like any other, who may publish to our topic: CloudFormation must be able
    to in everybody's name. So what the intruder writes is signed by SNS itself."""

    world: HookWorld
    sns: Any

    def publish(self, request: Mapping[str, Any]) -> bytes:
        """Let SNS deliver a request; the message as it came to the broker."""
        self.sns.publish(TopicArn=TOPIC, Message=json.dumps(request))
        return self.world.relay.messages[-1]

    def genuine(self, victim: Account, **changes: Any) -> dict[str, Any]:
        """A Delete of the victim's stack as CloudFormation would ask for it, and the changes."""
        asked = self.world.requests_of(victim.account_id)[0]
        return {
            **asked,
            "RequestType": "Delete",
            "RequestId": "11111111-2222-3333-4444-555555555555",
            "PhysicalResourceId": f"support-access-{victim.account_id}",
            "ResponseURL": f"https://{BUCKET}/key?signature=x",
            **changes,
        }


@pytest.fixture(scope="module")
def intruder(world: HookWorld) -> Intruder:
    return Intruder(world, world.client("sns", world.sandbox.create_account(INTRUDER)))


@pytest.fixture(scope="module")
def message(world: HookWorld, intruder: Intruder) -> dict[str, str]:
    """A message that SNS has signed, about nothing."""
    intruder.publish({"about": "nothing"})
    found: dict[str, str] = json.loads(world.relay.messages[-1])
    return found


@dataclass
class Watch:
    """What has happened since."""

    world: HookWorld
    victim: Account
    before: int
    seen: float

    def received(self) -> list[LedgerEntry]:
        """The new entries, without those of the worker, who may still be at an earlier test's."""
        entries = self.world.ledger(after=self.before)
        return [entry for entry in entries if entry.actor != "broker:worker"]

    def refusals(self) -> list[str]:
        """The reasons in the entries about what came meanwhile; every one must be a refusal."""
        entries = self.received()
        assert all(entry.outcome == "refused" for entry in entries)
        return [str(entry.reason) for entry in entries]

    def assert_nothing_done(self) -> None:
        """The victim's account is in the state, and has the roles, that it had."""
        assert self.world.account(self.victim.account_id) == self.victim
        assert len(self.world.roles(self.victim.account_id)) == 3
        assert len(self.world.providers(self.victim.account_id)) == 1


def counted(world: HookWorld) -> float:
    text = world.metrics.exposition().get_data(as_text=True)
    return sum(
        float(value) for value in re.findall(r"^broker_hooks_refused_total{.*} (.*)$", text, re.M)
    )


@pytest.fixture
def watch(world: HookWorld, victim: Account, message: Mapping[str, str]) -> Watch:
    del message
    return Watch(world, victim, world.ledger_head(), counted(world))


def refused(world: HookWorld, body: bytes) -> str:
    """Deliver what must be refused, and the reason that the log tells."""
    with capture_logs() as logs:
        answer = world.relay.post(body)
    assert answer.status_code == 403
    assert answer.json()["code"] == "hook_refused"
    [reason] = [line["reason"] for line in logs if line["event"] == "hook_refused"]
    assert reason not in answer.text
    return str(reason)


OTHER_SIGNATURE = "MEUCIQDx"


@pytest.mark.parametrize(
    ("spoilt", "reason"),
    [
        ({"Message": "{}"}, "signature"),
        ({"Signature": OTHER_SIGNATURE}, "signature"),
        ({"SignatureVersion": "1"}, "signature"),
        ({"Subject": "added"}, "signature"),
        ({"Timestamp": "2020-01-01T00:00:00.000Z"}, "stale"),
        (
            {"SigningCertURL": "https://evil.example/SimpleNotificationService-0.pem"},
            "certificate_address",
        ),
        (
            {"SigningCertURL": "https://evil.s3.amazonaws.com/SimpleNotificationService-0.pem"},
            "certificate_address",
        ),
        ({"SigningCertURL": "https://169.254.169.254/x.pem"}, "certificate_address"),
        (
            {
                "SigningCertURL": f"https://sns.{REGION}.amazonaws.com/"
                f"SimpleNotificationService-{'0' * 32}.pem"
            },
            "certificate_untrusted",
        ),
        ({"TopicArn": f"{TOPIC}-2"}, "other_topic"),
        ({"TopicArn": 1}, "malformed"),
        ({"Type": "Invitation"}, "malformed"),
    ],
)
def test_a_message_that_was_tampered_with(
    spoilt: dict[str, Any], reason: str, world: HookWorld, message: Mapping[str, str], watch: Watch
) -> None:
    """Wrong signature, certificate from elsewhere, other topic: refused, and told nobody why."""
    assert refused(world, json.dumps({**message, **spoilt}).encode()) == reason
    assert watch.refusals() == [reason]
    assert counted(world) == watch.seen + 1
    watch.assert_nothing_done()


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b"\xff\xfe", b"Type=Notification"])
def test_what_is_no_message(body: bytes, world: HookWorld, watch: Watch) -> None:
    """Anything else that somebody posts."""
    assert refused(world, body) == "malformed"
    watch.assert_nothing_done()


def test_a_message_of_the_intruders_own_topic(
    world: HookWorld, intruder: Intruder, victim: Account, watch: Watch
) -> None:
    """Signed by SNS, about the victim, and of a topic that is not ours."""
    own_topic = f"arn:aws:sns:{REGION}:{INTRUDER}:support-hooks"
    with Subscriber(world.sandbox.url, intruder.sns) as own:
        world.sandbox.subscribe(own_topic, own.url)
        own.answer = lambda _: None
        text = json.dumps(intruder.genuine(victim))
        intruder.sns.publish(TopicArn=own_topic, Message=text)
        signed = own.messages[-1]
    assert refused(world, json.dumps(signed).encode()) == "other_topic"
    watch.assert_nothing_done()


def test_a_subscription_to_the_intruders_own_topic(world: HookWorld, watch: Watch) -> None:
    """The broker confirms for its own topics only."""
    own_topic = f"arn:aws:sns:{REGION}:{INTRUDER}:more-hooks"
    with pytest.raises(SandboxError, match="status 403"):
        world.sandbox.subscribe(own_topic, world.relay.url)
    assert set(watch.refusals()) == {"other_topic"}
    watch.assert_nothing_done()


def test_a_replay_after_the_hour(
    world: HookWorld, intruder: Intruder, victim: Account, watch: Watch
) -> None:
    """What SNS signed two hours ago is not believed any more."""
    world.sandbox.set_clock(-7200)
    try:
        old = intruder.publish(intruder.genuine(victim))
    finally:
        world.sandbox.set_clock(0)
    assert json.loads(old)["Type"] == "Notification"
    assert refused(world, old) == "stale"
    watch.assert_nothing_done()


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://169.254.169.254/latest/meta-data/iam/", "not_https"),
        ("https://169.254.169.254/latest/meta-data/iam/", "not_the_host"),
        ("https://localhost/", "not_the_host"),
        ("https://127.0.0.1:8080/", "malformed"),
        ("https://[::1]/", "malformed"),
        ("https://evil.example/", "not_the_host"),
        ("https://evil.s3.us-east-1.amazonaws.com/key?signature=x", "not_the_host"),
        (f"https://{BUCKET}@evil.example/", "malformed"),
        (f"https://{BUCKET}.evil.example/", "not_the_host"),
        (f"http://{BUCKET}/key", "not_https"),
        ("https://evil.example/redirects/to/metadata", "not_the_host"),
    ],
)
def test_a_response_url_that_is_not_cloudformations(
    url: str,
    reason: str,
    world: HookWorld,
    intruder: Intruder,
    victim: Account,
    watch: Watch,
) -> None:
    """Signed by SNS; the answer would go to the intruder, or behind us."""
    request = intruder.genuine(victim, ResponseURL=url)
    with capture_logs() as logs, world.at_work():
        intruder.publish(request)
    assert world.relay.statuses[-1] == 403
    [told] = {line["reason"] for line in logs if line["event"] == "hook_refused"}
    assert told == f"response_url_{reason}"
    assert set(watch.refusals()) == {told}
    assert world.hook(request) is None
    watch.assert_nothing_done()


@pytest.mark.parametrize(
    "changes",
    [
        {"StackId": "arn:aws:cloudformation:eu-west-1:{victim}:stack/support-access/1"},
        {"StackId": "arn:aws:s3:::bucket"},
        {"StackId": 1},
        {"RequestType": "Remove"},
        {"PhysicalResourceId": ""},
        {"RequestId": "x" * 1000},
        {"ResourceProperties": {}},
        {"ResourceProperties": None},
    ],
)
def test_a_request_that_our_template_does_not_make(
    changes: dict[str, Any], world: HookWorld, intruder: Intruder, victim: Account, watch: Watch
) -> None:
    """Another Region's stack, other types, members that are missing or too long."""
    changed = {
        name: value.format(victim=victim.account_id) if isinstance(value, str) else value
        for name, value in changes.items()
    }
    intruder.publish(intruder.genuine(victim, **changed))
    assert world.relay.statuses[-1] == 403
    assert len(watch.refusals()) >= 1
    watch.assert_nothing_done()


def properties(victim: Account, **changes: Any) -> dict[str, Any]:
    return {
        "ServiceToken": TOPIC,
        "AccountId": victim.account_id,
        "ExternalId": "e" * 40,
        "Payer": "true",
        "RoleArn": f"arn:aws:iam::{victim.account_id}:role/Acme_Management_Role_DO-NOT-DELETE",
        "TemplateVersion": "2",
        **changes,
    }


@pytest.mark.parametrize("kind", ["Create", "Update", "Delete"])
def test_a_request_about_the_victim_without_its_external_id(
    kind: str, world: HookWorld, intruder: Intruder, victim: Account, watch: Watch
) -> None:
    """The intruder writes the victim's stack into it, and yet does not know what only that
    stack knows: kept with its refusal, and nothing is done, although the management role would
    let us in."""
    request = intruder.genuine(
        victim,
        RequestType=kind,
        RequestId=f"forged-{kind}",
        ResourceProperties=properties(victim),
    )
    with world.at_work():
        intruder.publish(request)
    hook = world.hook(request)
    assert hook is not None
    assert hook.answer is not None
    expected = HookStatus.SUCCESS if kind == "Delete" else HookStatus.FAILED
    assert hook.answer.status is expected
    [received] = watch.received()
    assert (received.action, received.reason) == ("hook.received", "wrong_external_id")
    watch.assert_nothing_done()


def test_a_stack_of_the_intruders_that_speaks_for_the_victim(
    world: HookWorld, victim: Account, watch: Watch
) -> None:
    """A real stack in the intruder's account, with everything of the victim's in its properties,
    the ExternalId included: it fails, can be deleted, and removes nothing."""
    changed = template().replace("!Ref AWS::AccountId\n", f'"{victim.account_id}"\n')
    changed = changed.replace(
        "!GetAtt ManagementRole.Arn\n      AccountId",
        f"arn:aws:iam::{victim.account_id}:role/Acme_Management_Role_DO-NOT-DELETE\n"
        "      AccountId",
    )
    given = world.parameters(victim)
    with world.at_work(), pytest.raises(SandboxError, match="not in the account that it speaks"):
        world.sandbox.deploy(INTRUDER, changed, given, stack_name=STACK)
    assert [each["RequestType"] for each in world.requests_of(INTRUDER)][-2:] == [
        "Create",
        "Delete",
    ]
    assert world.account(victim.account_id).state is AccountState.ACTIVE
    watch.assert_nothing_done()


def test_a_flood_does_not_fill_the_ledger(
    world: HookWorld, message: Mapping[str, str], watch: Watch
) -> None:
    """However many forged messages come, a minute adds so many entries; all are counted."""
    reception = world.services.hook_reception
    assert reception is not None
    few = replace(reception, refusals=hook_reception.Budget(3))
    body = json.dumps({**message, "Message": "{}"}).encode()
    for _ in range(10):
        with pytest.raises(hook_reception.HookRefused):
            few.receive(body, OPERATOR)
    assert watch.refusals() == ["signature"] * 3
    assert counted(world) == watch.seen + 10


def test_a_flood_of_strangers_is_put_off(
    world: HookWorld, intruder: Intruder, victim: Account, watch: Watch
) -> None:
    """Requests that SNS signed and that belong to nobody are not lost but delivered again: the
    stack of a customer who made a mistake must get its answer."""
    reception = world.services.hook_reception
    assert reception is not None
    none_left = replace(reception, strangers=hook_reception.Budget(0))
    request = intruder.genuine(
        victim, RequestId="flood", ResourceProperties=properties(victim), RequestType="Create"
    )
    body = json.dumps({**json.loads(world.relay.messages[-1])}).encode()
    stub = _Saying(
        SnsMessage(
            kind=MessageKind.NOTIFICATION,
            topic=TOPIC,
            message_id="1",
            text=json.dumps(request),
            token=None,
        )
    )
    with pytest.raises(hook_reception.RateLimited):
        replace(none_left, messages=stub).receive(body, OPERATOR)
    assert world.hook(request) is None
    assert watch.refusals() == []


class _Saying:
    """Believes one message, whatever comes."""

    def __init__(self, said: SnsMessage | Exception) -> None:
        self._said = said

    def verify(self, body: bytes) -> SnsMessage:
        del body
        if isinstance(self._said, Exception):
            raise self._said
        return self._said


def test_the_end_of_our_subscription_is_noticed(world: HookWorld) -> None:
    """Nothing is asked of anybody; an operator must subscribe anew."""
    reception = world.services.hook_reception
    assert reception is not None
    before = world.ledger_head()
    ended = SnsMessage(
        kind=MessageKind.UNSUBSCRIPTION, topic=TOPIC, message_id="1", text="", token="t"
    )
    with capture_logs() as logs:
        replace(reception, messages=_Saying(ended)).receive(b"", OPERATOR)
    [entry] = world.ledger(after=before)
    assert (entry.action, entry.outcome, entry.reason) == (
        "topic.confirmed",
        "failed",
        "unsubscribed",
    )
    assert "topic_unsubscribed" in {line["event"] for line in logs}


def test_sns_is_asked_to_come_again_where_its_certificate_cannot_be_had(
    world: HookWorld, watch: Watch
) -> None:
    """That is no verdict on the message, and no entry either."""
    reception = world.services.hook_reception
    assert reception is not None
    with pytest.raises(DependencyUnavailable):
        replace(reception, messages=_Saying(DependencyUnavailable("later"))).receive(b"", OPERATOR)
    assert watch.refusals() == []


@pytest.fixture(autouse=True, scope="module")
def _nothing_is_left_to_answer(world: HookWorld) -> Iterator[None]:
    """Nobody takes the answers to what the intruder made up."""
    yield
    world.give_up()


def test_a_body_that_is_too_large(world: HookWorld, watch: Watch) -> None:
    """More than SNS carries is not read."""
    answer = world.relay.post(b"x" * (256 * 1024 + 1))
    assert answer.status_code == 413
    assert watch.refusals() == []
