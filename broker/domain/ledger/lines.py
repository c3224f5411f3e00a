"""The lines of a ledger that was exported: JSON Lines, each in canonical form.

In this order: an anchor, where the file does not begin with the chain's first entry; the entries,
as `GET /v1/ledger` has them; the public keys that signed, where there are checkpoints; the
checkpoints; and the end, without which a file is one that broke off.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from broker.domain.ledger import canonical_json
from broker.domain.ledger.public_keys import jwks
from keys.types import PublicJwk

MEDIA_TYPE = "application/x-ndjson"

LONGEST_LINE = 1024 * 1024
"""Bytes of a line, its line feed included; an entry has some hundred."""

ENTRY_BEGINS = b'{"action":'
"""How the line of an entry begins, and no other."""

CHECKPOINT_BEGINS = b'{"checkpoint":'


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchor:
    """The entry after which a file begins, by the hash on which the first one in it builds."""

    chain: str
    seq: int
    hash: str

    def line(self) -> bytes:
        """The anchor as a line."""
        return _line(anchor=asdict(self))


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """The last entry of a file, and how many entries and checkpoints there are in it."""

    chain: str
    seq: int
    hash: str
    entries: int
    checkpoints: int

    def line(self) -> bytes:
        """The end as a line."""
        return _line(end=asdict(self))


def keys_line(keys: Sequence[PublicJwk]) -> bytes:
    """Public keys as a line, which is a JWKS by itself."""
    return canonical_json.encode(jwks(keys)) + b"\n"


def checkpoint_line(jws: str) -> bytes:
    """A checkpoint as a line."""
    return _line(checkpoint=jws)


def _line(**members: object) -> bytes:
    return canonical_json.encode(members) + b"\n"
