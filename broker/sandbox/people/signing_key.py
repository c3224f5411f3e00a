"""The key that signs identity tokens, made anew for each organisation and kept nowhere."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from broker.sandbox.people.organisation import ALGORITHM

_BITS = 2048


@dataclass(frozen=True, slots=True)
class SigningKey:
    """Both halves as JWKs (RFC 7517): Authlib signs with the one, and clients fetch the other."""

    kid: str
    private: Mapping[str, Any] = field(repr=False)
    public: Mapping[str, Any]

    @classmethod
    def new(cls) -> Self:
        """A fresh one."""
        key = rsa.generate_private_key(public_exponent=65537, key_size=_BITS)
        about = {"kid": secrets.token_urlsafe(12), "use": "sig", "alg": ALGORITHM}
        halves = (
            {**_jwk(RSAAlgorithm.to_jwk(half, as_dict=True)), **about}
            for half in (key, key.public_key())
        )
        return cls(about["kid"], *halves)


def _jwk(members: Mapping[str, Any]) -> dict[str, Any]:
    """Without `key_ops`, which say again what `use` says (RFC 7517, section 4.3)."""
    return {name: value for name, value in members.items() if name != "key_ops"}
