"""What SNS sends to an HTTP endpoint, once its signature holds, and why a message is refused."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Protocol

from broker.domain.identifiers import Identifier

FRESH_FOR = timedelta(hours=1)
"""How old a message may be: as long as CloudFormation waits, and as SNS tries to deliver."""

AHEAD_BY = timedelta(minutes=5)
"""How far a message may be dated ahead of our clock."""


class TopicArn(Identifier):
    """An SNS topic."""

    __slots__ = ()
    pattern = re.compile(r"arn:aws[a-z-]*:sns:[a-z0-9-]{1,32}:[0-9]{12}:[A-Za-z0-9_-]{1,256}")
    rule = "must be the ARN of an SNS topic, like arn:aws:sns:us-east-1:111122223333:name"

    @property
    def region(self) -> str:
        """The topic's Region, which is the Region of every stack that publishes to it."""
        return self.split(":")[3]


class MessageKind(StrEnum):
    """What a message is; the values are SNS's own."""

    NOTIFICATION = "Notification"
    SUBSCRIPTION = "SubscriptionConfirmation"
    UNSUBSCRIPTION = "UnsubscribeConfirmation"


class MessageFault(StrEnum):
    """Why a message is not believed."""

    MALFORMED = "malformed"
    """It is not what SNS sends."""
    OTHER_TOPIC = "other_topic"
    """It is of a topic that is not on our list."""
    STALE = "stale"
    """It is too old, a replay perhaps, or dated ahead."""
    CERTIFICATE_ADDRESS = "certificate_address"
    """Its certificate would not come from SNS of the topic's Region."""
    CERTIFICATE_UNTRUSTED = "certificate_untrusted"
    """Its certificate is not one that a trusted root issued to SNS, valid now."""
    SIGNATURE = "signature"
    """The signature is not the certificate's."""


class MessageRefused(Exception):
    """A message is not believed, so nothing is done."""

    def __init__(self, fault: MessageFault) -> None:
        super().__init__(fault.value)
        self.fault = fault


@dataclass(frozen=True, slots=True, kw_only=True)
class SnsMessage:
    """A message whose signature, certificate, topic and age were checked.

    That proves the topic and not the publisher: `text` is whatever somebody published. `token`
    confirms a subscription.
    """

    kind: MessageKind
    topic: TopicArn
    message_id: str
    text: str = field(repr=False)
    token: str | None = field(repr=False)


class SnsMessages(Protocol):
    """Checks messages."""

    def verify(self, body: bytes) -> SnsMessage:
        """The message in an HTTP body.

        Raises MessageRefused, and DependencyUnavailable where the certificate cannot be fetched:
        SNS then delivers again.
        """
        ...


class Subscriptions(Protocol):
    """Subscriptions of our endpoint."""

    def confirm(self, message: SnsMessage) -> None:
        """Confirm the one that `message` asks about. Raises like `ManagedAccount.apply`."""
        ...
