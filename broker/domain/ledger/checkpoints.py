"""Checkpoints: the head of a chain, signed with the account's own key.

The chain shows whether an entry was changed, as long as its last hash is known; a checkpoint says
what that hash was. It is a JWS (RFC 7515) whose `typ` and `aud` can pass for no identity token:
it has no `sub` and no `exp`, and its audience is nobody who gives out access.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from broker.domain.accounts import Account
from broker.domain.identifiers import AccountId
from broker.domain.ledger.entries import Head, chain_of
from broker.domain.times import Timestamp
from keys.types import PublicJwk

TYP = "support-access-ledger-checkpoint+jws"
"""The `typ` header (RFC 8725, section 3.11)."""

AUDIENCE = "urn:support-access-broker:ledger"


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """A signed head as the broker keeps it, with the public key, which outlives the JWKS.

    `copied_to` is the customer's bucket that has it.
    """

    account_id: AccountId
    seq: int
    hash: str
    issuer: str
    signed_at: Timestamp
    key: PublicJwk
    jws: str
    copied_to: str | None = None

    def copied(self, bucket: str) -> Checkpoint:
        """The same, once the customer's bucket has it."""
        return replace(self, copied_to=bucket)


def checkpoint_claims(account: Account, head: Head, *, now: datetime) -> dict[str, object]:
    """What is signed of the head of the account's chain, in the order of canonical JSON.

    `seq` counts from 1, so it is also the number of entries that lead to this head.
    """
    return {
        "aud": AUDIENCE,
        "chain": str(chain_of(account.account_id)),
        "hash": head.hash,
        "iat": int(now.timestamp()),
        "iss": str(account.issuer),
        "seq": head.seq,
    }


OBJECT_PREFIX = "support-access-ledger/"
"""What the names of all copies begin with, in every customer's bucket."""


def object_key(checkpoint: Checkpoint) -> str:
    """The name of a checkpoint's copy: it sorts by entry, and tells one head from another."""
    name = f"{checkpoint.seq:016d}-{checkpoint.hash}.jws"
    return f"{OBJECT_PREFIX}{checkpoint.account_id}/{name}"
