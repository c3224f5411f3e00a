"""Public keys that come from outside, read strictly: a JWKS, whose kids must be thumbprints.

A kid here is the SHA-256 thumbprint of its key (RFC 7638), so that whoever knows the kid, from a
ledger say, knows the key, wherever its parameters come from.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from jwt import PyJWK, PyJWKError, PyJWTError

from keys.errors import InvalidKey
from keys.jose import is_private_jwk, public_jwk
from keys.types import Kid, PublicJwk

KnownKeys = Mapping[Kid, PublicJwk]

MOST_KEYS = 10_000
"""Far more keys than an account has in a century."""


class BadKeys(ValueError):
    """Something is not a JWKS of usable public keys; the message says why."""


def read_jwks(document: object) -> KnownKeys:
    """The keys of a JWKS (RFC 7517, section 5), of which each is one that a broker signs with.

    Raises BadKeys.
    """
    keys = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(keys, list):
        raise BadKeys("it is not a JWKS: it has no list of keys")
    if len(keys) > MOST_KEYS:
        raise BadKeys("it holds too many keys")
    return {key.kid: key for key in map(read_jwk, keys)}


def read_jwk(members: Any) -> PublicJwk:
    """A public key. Raises BadKeys for one that is written in any other way than ours are."""
    if isinstance(members, dict) and is_private_jwk(members):
        raise BadKeys("a key in it is a private one, or made to look like one")
    try:
        # Its parameters are checked here, a point off the curve among them.
        key = public_jwk(PyJWK(members, algorithm=members["alg"]).key)
    except (PyJWTError, PyJWKError, InvalidKey, UnsupportedAlgorithm) as e:
        raise BadKeys("a key in it is not a public key of P-256 or RSA") from e
    except (ValueError, TypeError, KeyError, AttributeError) as e:
        raise BadKeys("a key in it is not a JWK") from e
    if key.as_dict() != members:
        raise BadKeys("a key in it is not written as a broker writes it, or its kid is not its own")
    return key


def jwks(keys: Sequence[PublicJwk]) -> dict[str, object]:
    """The JWKS of these keys."""
    return {"keys": [key.as_dict() for key in keys]}
