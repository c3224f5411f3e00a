"""What the organisation's OpenID provider shows of itself: its keys, and what it refuses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    # Whoever asks for credentials in the shell holds no such key, and waits for its library.
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

ALGORITHMS_OF: Mapping[str, frozenset[str]] = {
    "RSA": frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"}),
    "P-256": frozenset({"ES256"}),
    "P-384": frozenset({"ES384"}),
    "P-521": frozenset({"ES512"}),
}
"""What each kind of key may sign with. No kind is a shared secret, so no HMAC is among them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderKey:
    """A public key, with the algorithms (RFC 7518, section 3.1) that it may be used with."""

    public: RSAPublicKey | EllipticCurvePublicKey
    algorithms: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class TerminalClient:
    """The public client with which people sign in from a terminal; nothing of it is a secret."""

    issuer: str
    client_id: str
    scope: str


class CodeRefused(Exception):
    """The provider does not take an authorization code: used, expired, or asked for by another."""
