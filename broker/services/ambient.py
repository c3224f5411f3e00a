"""What a use case takes from the world around it: the time and randomness, both replaceable."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import UTC, datetime

from broker.domain.identifiers import GrantId, IssuerId, SessionId
from broker.domain.identity.browser_sessions import BrowserSecret

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """The present, aware and in UTC, to the millisecond: as precise as records keep it."""
    now = datetime.now(UTC)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)


class Entropy:
    """Fresh identifiers from the operating system's random source."""

    def session_id(self) -> SessionId:
        """An unused session id (80 random bits)."""
        return SessionId(f"s-{secrets.token_hex(10)}")

    def grant_id(self) -> GrantId:
        """An unused grant id (80 random bits)."""
        return GrantId(f"gr-{secrets.token_hex(10)}")

    def issuer_id(self) -> IssuerId:
        """An unguessable issuer id (128 random bits), so that nobody can list customers."""
        return IssuerId(secrets.token_hex(16))

    def jti(self) -> str:
        """A `jti` claim (128 random bits; RFC 7519, section 4.1.7)."""
        return secrets.token_hex(16)

    def external_id(self) -> str:
        """An ExternalId for the management role (160 random bits)."""
        return secrets.token_hex(20)

    def approval_link(self) -> str:
        """The secret part of an approval link (256 random bits)."""
        return secrets.token_hex(32)

    def api_token(self) -> tuple[str, str]:
        """The id and the secret part (256 random bits) of a new API token."""
        return secrets.token_hex(6), secrets.token_hex(32)

    def browser_secret(self) -> BrowserSecret:
        """What a browser will keep (256 random bits)."""
        return BrowserSecret(secrets.token_hex(32))
