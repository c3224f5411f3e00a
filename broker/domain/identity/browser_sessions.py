"""What a browser keeps to show that somebody has signed in, and what is kept of it here.

A cookie holds 256 random bits. Only their SHA-256 is stored, and everything else that must be
secret between a browser and the broker is derived from them when it is needed.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Self

from broker.domain.identifiers import EngineerId
from broker.domain.times import Timestamp

ATTEMPT_LASTS = timedelta(minutes=10)
"""How long somebody may take to sign in at the provider."""

CALLBACK_PATH = "/sign-in/callback"
"""Where the provider sends browsers back to; it must know the address beforehand."""

_SECRET = re.compile(r"[0-9a-f]{64}")
_LOCAL_PATH = re.compile(r"/(?!/)[A-Za-z0-9/._~!$&'()*+,;=:@%?-]{0,511}")


class Purpose(StrEnum):
    """What a value derived from a cookie's secret is for; no two purposes share a value."""

    STATE = "state"
    """RFC 6749, section 10.12: the callback belongs to the browser that began."""
    NONCE = "nonce"
    """OpenID Connect Core, section 3.1.2.1: the identity token was made for this attempt."""
    CODE_VERIFIER = "code_verifier"
    """RFC 7636, section 4.1: whoever redeems the code is who asked for it."""
    CSRF = "csrf"
    """A write was sent by a page of ours."""


@dataclass(frozen=True, slots=True)
class BrowserSecret:
    """What a cookie holds: 256 random bits in hexadecimal."""

    text: str = field(repr=False)

    @classmethod
    def read(cls, text: str | None) -> Self | None:
        """The secret in a cookie's value, or None where it holds nothing of ours."""
        return cls(text) if text is not None and _SECRET.fullmatch(text) else None

    @property
    def digest(self) -> str:
        """SHA-256 in hexadecimal: under this name the store keeps what belongs to the secret."""
        return hashlib.sha256(bytes.fromhex(self.text)).hexdigest()

    def derived(self, purpose: Purpose) -> str:
        """HMAC-SHA-256 as 43 base64url characters, which is also the form of a code verifier."""
        mac = hmac.digest(bytes.fromhex(self.text), purpose.encode("ascii"), hashlib.sha256)
        return base64.urlsafe_b64encode(mac).rstrip(b"=").decode("ascii")

    def matches(self, purpose: Purpose, presented: str) -> bool:
        """Whether `presented` is the value for `purpose`, compared in constant time."""
        return hmac.compare_digest(
            self.derived(purpose).encode(), presented.encode(errors="replace")
        )


class LocalPath(str):
    """A path of this site, safe as the target of a redirect: no browser takes it for a host."""

    __slots__ = ()

    @classmethod
    def parse(cls, value: str) -> Self:
        """`value` if it is one, or ValueError with the rule.

        Backslashes and control characters are out, for browsers turn the one into slashes and
        drop the other; so is a second slash, after which a host would follow.
        """
        if _LOCAL_PATH.fullmatch(value) is None:
            raise ValueError("must be a path of this site: one slash, then printable ASCII")
        return cls(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInAttempt:
    """Somebody was sent to the provider and has not come back yet."""

    digest: str
    return_to: str
    begun_at: Timestamp

    def good_at(self, now: datetime) -> bool:
        """Whether it is not too late to come back."""
        return now < self.begun_at + ATTEMPT_LASTS


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionLimits:
    """How long a browser's session lasts: without a request, and in all."""

    idle: timedelta
    absolute: timedelta


class SessionEnd(StrEnum):
    """How a session came to its end."""

    SIGNED_OUT = "signed_out"
    EXPIRED = "session_expired"


@dataclass(frozen=True, slots=True, kw_only=True)
class BrowserSession:
    """Somebody has signed in. Their groups are those that the provider named at that time."""

    digest: str
    subject: EngineerId
    groups: tuple[str, ...]
    signed_in_at: Timestamp
    last_seen_at: Timestamp
    signed_out: bool = False

    def ends_at(self, limits: SessionLimits) -> datetime:
        """When the session ends if nothing more is asked under it."""
        return min(self.last_seen_at + limits.idle, self.signed_in_at + limits.absolute)

    def end(self, limits: SessionLimits, now: datetime) -> SessionEnd | None:
        """How the session has ended, or None while it lasts."""
        if self.signed_out:
            return SessionEnd.SIGNED_OUT
        return None if now < self.ends_at(limits) else SessionEnd.EXPIRED
