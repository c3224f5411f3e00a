"""SNS's messages to an HTTP endpoint, verified (SNS Developer Guide, "Verifying signatures")."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from typing import Annotated

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from broker.aws.sns_certificates import SigningCertificates
from broker.domain.hooks.sns import (
    AHEAD_BY,
    FRESH_FOR,
    MessageFault,
    MessageKind,
    MessageRefused,
    SnsMessage,
    TopicArn,
)

_HASHES: Mapping[str, Callable[[], hashes.HashAlgorithm]] = {
    "1": hashes.SHA1,  # what SNS signs with unless a topic is told otherwise
    "2": hashes.SHA256,
}
_SIGNED: Mapping[MessageKind, tuple[str, ...]] = {
    MessageKind.NOTIFICATION: (
        "Message",
        "MessageId",
        "Subject",
        "Timestamp",
        "TopicArn",
        "Type",
    ),
    **dict.fromkeys(
        (MessageKind.SUBSCRIPTION, MessageKind.UNSUBSCRIPTION),
        ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
    ),
}
"""What a signature covers, in byte order of the names."""

_Text = Annotated[str, Field(max_length=2048)]


class _Received(BaseModel):
    """A message as it came; what it holds besides is not signed and not read."""

    model_config = ConfigDict(strict=True, frozen=True, hide_input_in_errors=True)

    Type: MessageKind
    MessageId: _Text
    TopicArn: TopicArn
    Subject: _Text | None = None
    Message: str
    Timestamp: _Text
    SubscribeURL: _Text | None = None
    Token: _Text | None = None
    SignatureVersion: _Text
    Signature: _Text
    SigningCertURL: _Text


class _Dated(BaseModel):
    """The time in a Timestamp, which is signed as text."""

    at: AwareDatetime


class VerifiedSnsMessages:
    """Believes messages of the given topics, once everything about them was checked."""

    def __init__(
        self,
        *,
        topics: Collection[TopicArn],
        certificates: SigningCertificates,
        clock: Callable[[], datetime],
    ) -> None:
        self._topics = frozenset(topics)
        self._certificates = certificates
        self._clock = clock

    def verify(self, body: bytes) -> SnsMessage:
        """See `broker.domain.hooks.sns.SnsMessages`. What costs nothing is checked first."""
        received = _parsed(body)
        now = self._clock()
        if received.TopicArn not in self._topics:
            raise MessageRefused(MessageFault.OTHER_TOPIC)
        if not now - FRESH_FOR <= _time_of(received) <= now + AHEAD_BY:
            raise MessageRefused(MessageFault.STALE)
        self._check_signature(received, now)
        return SnsMessage(
            kind=received.Type,
            topic=received.TopicArn,
            message_id=received.MessageId,
            text=received.Message,
            token=received.Token,
        )

    def _check_signature(self, received: _Received, now: datetime) -> None:
        algorithm = _HASHES.get(received.SignatureVersion)
        if algorithm is None:
            raise MessageRefused(MessageFault.SIGNATURE)
        try:
            signature = base64.b64decode(received.Signature, validate=True)
        except (binascii.Error, ValueError) as e:
            raise MessageRefused(MessageFault.SIGNATURE) from e
        key = self._certificates.key_at(
            received.SigningCertURL, region=received.TopicArn.region, now=now
        )
        try:
            key.verify(signature, _string_to_sign(received), padding.PKCS1v15(), algorithm())
        except InvalidSignature as e:
            raise MessageRefused(MessageFault.SIGNATURE) from e


def _parsed(body: bytes) -> _Received:
    try:
        received = _Received.model_validate_json(body)
    except ValidationError as e:
        raise MessageRefused(MessageFault.MALFORMED) from e
    needs_token = received.Type is not MessageKind.NOTIFICATION
    if needs_token and (received.Token is None or received.SubscribeURL is None):
        raise MessageRefused(MessageFault.MALFORMED)
    return received


def _time_of(received: _Received) -> datetime:
    try:
        return _Dated.model_validate({"at": received.Timestamp}).at
    except ValidationError as e:
        raise MessageRefused(MessageFault.MALFORMED) from e


def _string_to_sign(received: _Received) -> bytes:
    """Each signed name and its value on lines of their own; a Subject only if there is one."""
    values = received.model_dump(mode="json")
    lines = [
        f"{name}\n{values[name]}\n" for name in _SIGNED[received.Type] if values[name] is not None
    ]
    return "".join(lines).encode("utf-8")
