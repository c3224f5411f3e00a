"""Base64url without padding, as JWS and JWK use it (RFC 7515, section 2)."""

import base64
import re

_ALPHABET = re.compile(r"[A-Za-z0-9_-]+")


def decode(text: str) -> bytes:
    """The bytes of a non-empty, unpadded, canonical encoding; ValueError for anything else."""
    if not _ALPHABET.fullmatch(text):
        raise ValueError("not unpadded base64url")
    decoded = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if encode(decoded) != text:
        raise ValueError("not the canonical encoding: unused bits are set")
    return decoded


def encode(data: bytes) -> str:
    """The unpadded encoding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")
