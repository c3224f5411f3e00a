"""How a receiver knows that an event comes from this broker, and when it was sent.

Source: the Standard Webhooks specification, "Signature scheme": HMAC-SHA256 over the id, the time
of this delivery and the body. Its libraries, which exist for most languages, verify it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Self

PREFIX = "whsec_"
"""By it secret scanners recognise a secret that has got somewhere where it must not be."""

SHORTEST, LONGEST = 24, 64
"""Bytes of a secret, as the specification has them."""


@dataclass(frozen=True, slots=True)
class Secret:
    """What an endpoint and the broker share."""

    key: bytes = field(repr=False)

    @classmethod
    def parse(cls, text: str) -> Self:
        """The secret in its written form; raises ValueError, without a part of it."""
        rule = f"must be {PREFIX} and {SHORTEST} to {LONGEST} random bytes in base64"
        if not text.startswith(PREFIX):
            raise ValueError(rule)
        try:
            key = base64.b64decode(text.removeprefix(PREFIX), validate=True)
        except (binascii.Error, ValueError):
            # The cause would show what was given.
            raise ValueError(rule) from None
        if not SHORTEST <= len(key) <= LONGEST:
            raise ValueError(rule)
        return cls(key)

    def reveal(self) -> str:
        """The written form, for whoever is to keep it."""
        return PREFIX + base64.b64encode(self.key).decode("ascii")


def signed_headers(
    body: bytes, *, message_id: str, at: datetime, secrets: Sequence[Secret]
) -> dict[str, str]:
    """The headers to send with `body`: one signature a secret, while one replaces another."""
    timestamp = str(int(at.timestamp()))
    signed = b".".join([message_id.encode("ascii"), timestamp.encode("ascii"), body])
    return {
        "webhook-id": message_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(_signature(secret, signed) for secret in secrets),
    }


def _signature(secret: Secret, signed: bytes) -> str:
    mac = hmac.new(secret.key, signed, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(mac).decode('ascii')}"
