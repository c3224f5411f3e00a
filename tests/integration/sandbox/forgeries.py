"""Forging tokens: what an attacker without the issuer's key can make of a signed one."""

import base64
import json
from collections.abc import Callable
from typing import Any

from jwt.algorithms import HMACAlgorithm

from tests.integration.sandbox.throwaway_tokens import ec_key, encode, public_pem

Forge = Callable[[str], str]


def tampered(token: str) -> str:
    """Another subject under the same signature."""
    header, claims, signature = token.split(".")
    return f"{header}.{_json(_decoded(claims) | {'sub': 'support:another'})}.{signature}"


def unsigned(token: str) -> str:
    """`alg: none` with an empty signature."""
    _, claims, _ = token.split(".")
    return f"{_json({'alg': 'none', 'typ': 'JWT'})}.{claims}."


def unsigned_with_signature(token: str) -> str:
    """`alg: none`, but the third part is there."""
    return unsigned(token) + encode(b"signature")


def keyed_with_public_key(token: str) -> str:
    """HS256 whose secret is the issuer's published key."""
    _, claims, _ = token.split(".")
    signing_input = f"{_json({'alg': 'HS256', 'kid': 'active'})}.{claims}"
    secret = public_pem(ec_key("ES256"))
    mac = HMACAlgorithm(HMACAlgorithm.SHA256).sign(signing_input.encode(), secret)
    return f"{signing_input}.{encode(mac)}"


def _json(value: dict[str, Any]) -> str:
    return encode(json.dumps(value).encode())


def _decoded(part: str) -> dict[str, Any]:
    return dict(json.loads(base64.urlsafe_b64decode(part + "==")))
