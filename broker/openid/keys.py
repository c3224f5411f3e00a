"""Reading a JWKS (RFC 7517, section 5): what is there for signatures, and strong enough."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt.algorithms import ECAlgorithm, RSAAlgorithm
from jwt.exceptions import InvalidKeyError

from broker.domain.identity.openid_provider import ALGORITHMS_OF, ProviderKey
from keys.jose import is_private_jwk

_LEAST_RSA_BITS = 2048
"""NIST SP 800-131A: a shorter modulus is no longer allowed for signatures."""


def read_keys(document: Mapping[str, Any]) -> dict[str, ProviderKey]:
    """The keys by their ids. What is not for us (encryption, other kinds) is passed over.

    An id that two keys share names neither of them.
    """
    listed = document.get("keys")
    if not isinstance(listed, list):
        return {}
    named = [each for each in listed if isinstance(each, dict) and isinstance(each.get("kid"), str)]
    times = Counter(each["kid"] for each in named)
    found = {each["kid"]: _key(each) for each in named if times[each["kid"]] == 1}
    return {kid: key for kid, key in found.items() if key is not None}


def _key(jwk: Mapping[str, Any]) -> ProviderKey | None:
    """The key, or None where it is not for signatures as we take them."""
    kind = jwk.get("crv") if jwk.get("kty") == "EC" else jwk.get("kty")
    algorithms = ALGORITHMS_OF.get(str(kind), frozenset())
    if "alg" in jwk:
        algorithms &= {str(jwk["alg"])}
    # A private key that is published is everybody's.
    if jwk.get("use", "sig") != "sig" or not algorithms or is_private_jwk(jwk):
        return None
    public = _public(jwk)
    return None if public is None else ProviderKey(public=public, algorithms=algorithms)


def _public(jwk: Mapping[str, Any]) -> RSAPublicKey | EllipticCurvePublicKey | None:
    reader = ECAlgorithm if jwk["kty"] == "EC" else RSAAlgorithm
    try:
        key = reader.from_jwk(dict(jwk))
    except (InvalidKeyError, ValueError, TypeError):
        return None
    if isinstance(key, RSAPublicKey):
        return key if key.key_size >= _LEAST_RSA_BITS else None
    return key if isinstance(key, EllipticCurvePublicKey) else None
