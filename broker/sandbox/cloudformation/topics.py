"""SNS's part: topics with one HTTP subscriber each, confirmed by it, and signed messages to it.

Source: SNS Developer Guide, "Fanout to HTTP/S endpoints" and "Message delivery retries". A delivery
that fails for a passing reason is repeated as SNS does it first: three times, without a pause to
speak of. A refusal (4xx, except 429) is final.
"""

from __future__ import annotations

import json
import re
import secrets
import threading
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode

import httpx
from moto.core.responses import ActionResult
from moto.sns.exceptions import SNSInvalidParameter, SNSNotFoundError
from moto.sns.responses import SNSResponse

from broker.sandbox.accounts import ControlError
from broker.sandbox.clock import Clock
from broker.sandbox.cloudformation.sns_signer import SnsSigner

TOPIC = re.compile(r"arn:aws[a-z-]*:sns:([a-z0-9-]+):\d{12}:[\w-]{1,256}", re.ASCII)
_TRIES = 4
_PAUSE = 0.2
_PATIENCE = 15.0
"""Seconds that SNS waits for an HTTP endpoint."""


class PublishError(Exception):
    """Nobody took the message."""


@dataclass
class _Subscription:
    endpoint: str
    deliveries: int
    token: str = field(repr=False)
    confirmed: threading.Event = field(default_factory=threading.Event)

    @property
    def arn_suffix(self) -> str:
        return str(uuid.uuid5(uuid.NAMESPACE_URL, self.endpoint))


class Topics:
    """Every topic that the sandbox was told of."""

    def __init__(self, *, signer: SnsSigner, clock: Clock) -> None:
        self._signer = signer
        self._clock = clock
        self._subscriptions: dict[str, _Subscription] = {}

    def knows(self, arn: str) -> bool:
        return arn in self._subscriptions

    def subscribe(self, arn: str, endpoint: str, *, deliveries: int = 1) -> None:
        """Make the topic, and return once its subscriber has confirmed; or raise ControlError.

        deliveries: how often, and at the same time, each message arrives. SNS promises once at
        least.
        """
        if TOPIC.fullmatch(arn) is None:
            raise ControlError(f"{arn!r} is not the ARN of a topic")
        subscription = _Subscription(endpoint, deliveries, secrets.token_hex(64))
        self._subscriptions[arn] = subscription
        try:
            self._deliver(arn, subscription, self._confirmation(arn, subscription))
        except PublishError as error:
            del self._subscriptions[arn]
            raise ControlError(str(error)) from error
        if not subscription.confirmed.wait(_PATIENCE):
            del self._subscriptions[arn]
            raise ControlError(f"{endpoint} did not confirm the subscription")

    def confirm(self, arn: str, token: str) -> str:
        """What ConfirmSubscription does; the ARN of the subscription."""
        subscription = self._subscriptions.get(arn)
        if subscription is None:
            raise SNSNotFoundError("Topic does not exist")
        if not secrets.compare_digest(subscription.token, token):
            raise SNSInvalidParameter("Invalid token")
        subscription.confirmed.set()
        return f"{arn}:{subscription.arn_suffix}"

    def publish(self, arn: str, text: str, *, subject: str | None = None) -> str:
        """Deliver `text`; the id of the message. Raises PublishError where nobody took it."""
        subscription = self._subscriptions.get(arn)
        if subscription is None or not subscription.confirmed.is_set():
            raise PublishError(f"{arn} does not exist, or nobody has subscribed to it")
        message = self._message("Notification", arn, text)
        if subject is not None:
            message["Subject"] = subject
        if subscription.deliveries == 1:
            self._deliver(arn, subscription, message)
        else:
            self._deliver_at_once(arn, subscription, message)
        return message["MessageId"]

    def _deliver_at_once(
        self, arn: str, subscription: _Subscription, message: Mapping[str, str]
    ) -> None:
        threads = [
            threading.Thread(target=self._deliver, args=(arn, subscription, message))
            for _ in range(subscription.deliveries)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _message(self, kind: str, arn: str, text: str) -> dict[str, str]:
        now = self._clock.now()
        return {
            "Type": kind,
            "MessageId": str(uuid.uuid4()),
            "TopicArn": arn,
            "Message": text,
            "Timestamp": now.strftime("%Y-%m-%dT%H:%M:%S.") + f"{now.microsecond // 1000:03d}Z",
        }

    def _confirmation(self, arn: str, subscription: _Subscription) -> dict[str, str]:
        query = {"Action": "ConfirmSubscription", "TopicArn": arn, "Token": subscription.token}
        text = f"You have chosen to subscribe to the topic {arn}."
        return {
            **self._message("SubscriptionConfirmation", arn, text),
            "Token": subscription.token,
            "SubscribeURL": f"https://sns.{_region(arn)}.amazonaws.com/?{urlencode(query)}",
        }

    def _deliver(self, arn: str, subscription: _Subscription, message: Mapping[str, str]) -> None:
        signed = self._signer.signed(message, region=_region(arn))
        headers = {
            "Content-Type": "text/plain; charset=UTF-8",
            "User-Agent": "Amazon Simple Notification Service Agent",
            "x-amz-sns-message-type": message["Type"],
            "x-amz-sns-message-id": message["MessageId"],
            "x-amz-sns-topic-arn": arn,
        }
        body = json.dumps(signed).encode()
        for left in reversed(range(_TRIES)):
            status = _posted(subscription.endpoint, body, headers)
            if 200 <= status < 300:
                return
            if left == 0 or (400 <= status < 500 and status != 429):
                raise PublishError(f"{subscription.endpoint} took no message: status {status}")
            time.sleep(_PAUSE)


def _posted(endpoint: str, body: bytes, headers: Mapping[str, str]) -> int:
    """The status of the answer; 0 where there was none."""
    try:
        response = httpx.post(
            endpoint, content=body, headers=dict(headers), timeout=_PATIENCE, trust_env=False
        )
    except httpx.HTTPError:
        return 0
    return response.status_code


def _region(arn: str) -> str:
    return arn.split(":")[3]


def install(topics: Topics) -> None:
    """Let moto's SNS confirm and publish this way, in this process."""

    def confirm_subscription(self: SNSResponse) -> ActionResult:
        arn = topics.confirm(self._get_param("TopicArn"), self._get_param("Token"))
        return ActionResult({"SubscriptionArn": arn})

    def publish(self: SNSResponse) -> ActionResult:
        arn = self._get_param("TopicArn")
        if not topics.knows(arn):
            raise SNSNotFoundError("Topic does not exist")
        text, subject = self._get_param("Message"), self._get_param("Subject")
        try:
            return ActionResult({"MessageId": topics.publish(arn, text, subject=subject)})
        except PublishError:
            # SNS has taken it; that no subscriber does is not the publisher's to know.
            return ActionResult({"MessageId": str(uuid.uuid4())})

    SNSResponse.confirm_subscription = confirm_subscription  # type: ignore[method-assign]
    SNSResponse.publish = publish  # type: ignore[method-assign]
