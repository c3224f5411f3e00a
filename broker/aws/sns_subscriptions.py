"""Subscriptions to topics: confirmed by SNS's own call, never by fetching a URL from a message."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from broker.aws.errors import translated
from broker.domain.hooks.sns import SnsMessage

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient


class SnsSubscriptions:
    """Confirms subscriptions with the broker's own credentials, in the topic's Region."""

    def __init__(self, client_in: Callable[[str], SNSClient]) -> None:
        self._client_in = client_in

    def confirm(self, message: SnsMessage) -> None:
        """See `broker.domain.hooks.sns.Subscriptions`. Only the topic's owner can end it again."""
        with translated(
            "ConfirmSubscription",
            refused="SNS did not take the confirmation. Subscribe the endpoint to the topic anew.",
        ):
            self._client_in(message.topic.region).confirm_subscription(
                TopicArn=message.topic,
                Token=message.token or "",
                AuthenticateOnUnsubscribe="true",
            )
