"""Verifying checkpoints, with nothing but public keys."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import jwt

from broker.domain.ledger import canonical_json
from broker.domain.ledger.canonical_json import NotCanonical
from broker.domain.ledger.checkpoints import AUDIENCE, TYP
from broker.domain.ledger.public_keys import KnownKeys
from keys.jose import b64url_decode
from keys.types import Kid, PublicJwk

_HEX = re.compile(r"[0-9a-f]{64}")
_CLAIMS = ("aud", "chain", "hash", "iat", "iss", "seq")
"""All that a checkpoint claims, in the order of canonical JSON."""

_LONGEST = 8192
"""Characters of a compact JWS: KMS signs 4,096 bytes, and a signature is far shorter."""

_LAST_SECOND = 253_402_300_799
"""The end of the year 9999."""


class BadCheckpoint(Exception):
    """A text is no checkpoint that a known key has signed; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedHead:
    """What a checkpoint says, verified: that entry `seq` of `chain` has this hash."""

    chain: str
    seq: int
    hash: str
    issuer: str
    signed_at: datetime
    kid: Kid


def verify_checkpoint(compact: str, keys: KnownKeys) -> SignedHead:
    """What a checkpoint says, once its form and its signature were found good.

    Raises BadCheckpoint. No identity token passes: its `typ` and its `aud` are others.
    """
    header = _header(compact)
    key = keys.get(Kid(header["kid"]))
    if key is None:
        raise BadCheckpoint(f"no public key is known for its kid {header['kid']!r}")
    if header["alg"] != key.algorithm.value:
        raise BadCheckpoint("it names another algorithm than its key signs with")
    return _signed_head(_claims(compact, key), key.kid)


def peek_seq(compact: str) -> int | None:
    """The entry that a checkpoint speaks of, if it is one at all; nothing of it is verified."""
    try:
        claims = canonical_json.decode(b64url_decode(compact.split(".")[1]))
    except (ValueError, IndexError):
        return None
    seq = claims.get("seq")
    return seq if type(seq) is int else None


def _header(compact: str) -> Mapping[str, str]:
    if len(compact) > _LONGEST:
        raise BadCheckpoint("it is longer than any checkpoint")
    try:
        header, payload, signature = compact.split(".")
        # One text for each part: base64url leaves bits of the last character open.
        parts = [b64url_decode(part) for part in (header, payload, signature)]
        members = canonical_json.decode(parts[0])
    except ValueError as e:
        raise BadCheckpoint("it is not a JWS in compact form") from e
    if tuple(members) != ("alg", "kid", "typ") or set(map(type, members.values())) != {str}:
        raise BadCheckpoint("its header is not that of a checkpoint")
    if members["typ"] != TYP:
        raise BadCheckpoint(f"its type is {members['typ']!r}: it is not a checkpoint")
    try:
        canonical_json.decode(parts[1])
    except NotCanonical as e:
        raise BadCheckpoint("its claims are not written as a checkpoint's") from e
    return members


def _claims(compact: str, key: PublicJwk) -> dict[str, Any]:
    """The claims, with every option of the verification written out."""
    try:
        return jwt.decode(
            compact,
            key=jwt.PyJWK(key.as_dict(), algorithm=key.algorithm.value),
            algorithms=[key.algorithm.value],
            audience=AUDIENCE,
            options={
                "verify_signature": True,
                "verify_aud": True,
                "strict_aud": True,
                "enforce_minimum_key_length": True,
                "require": list(_CLAIMS),
                # A checkpoint has none of these, and holds for ever: `_signed_head` refuses any.
                "verify_exp": False,
                "verify_nbf": False,
                "verify_sub": False,
                "verify_jti": False,
                # Whoever verifies may have a clock that is wrong; the time is reported.
                "verify_iat": False,
                # Compared with what the chain says of its issuer, by whoever has the chain.
                "verify_iss": False,
            },
        )
    except jwt.InvalidSignatureError as e:
        raise BadCheckpoint("its signature is not of its key") from e
    except jwt.InvalidAudienceError as e:
        raise BadCheckpoint("its audience is another: it is not a checkpoint") from e
    except jwt.PyJWTError as e:
        raise BadCheckpoint("it lacks what a checkpoint says") from e


def _signed_head(claims: Mapping[str, Any], kid: Kid) -> SignedHead:
    if tuple(claims) != _CLAIMS:
        raise BadCheckpoint("it claims more than a checkpoint does")
    texts, numbers = ("chain", "hash", "iss"), ("iat", "seq")
    if not all(type(claims[name]) is str for name in texts) or not all(
        type(claims[name]) is int and claims[name] > 0 for name in numbers
    ):
        raise BadCheckpoint("a claim of it is of the wrong kind")
    if _HEX.fullmatch(claims["hash"]) is None or claims["iat"] > _LAST_SECOND:
        raise BadCheckpoint("a claim of it is out of range")
    return SignedHead(
        chain=claims["chain"],
        seq=claims["seq"],
        hash=claims["hash"],
        issuer=claims["iss"],
        signed_at=datetime.fromtimestamp(claims["iat"], UTC),
        kid=kid,
    )
