"""The models of `/v1/ledger`."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from broker.contract.base import Answer, Body
from broker.domain.identifiers import AccountId
from broker.domain.ledger.checkpoints import Checkpoint
from broker.domain.ledger.entries import LedgerEntry
from broker.domain.times import Timestamp

_LARGEST = 2**53 - 1


class LedgerEntryAnswer(Answer):
    """One ledger entry, member for member as it is hashed, and its hash."""

    schema_: Annotated[int, Field(alias="schema")]
    chain: str
    seq: int
    at: str
    actor: str
    action: str
    outcome: str
    reason: str | None
    ids: dict[str, str]
    details: dict[str, str | int | bool | list[str]]
    previous_hash: str
    hash: str

    @classmethod
    def of(cls, entry: LedgerEntry) -> LedgerEntryAnswer:
        """The answer for `entry`."""
        return cls.model_validate({**entry.unhashed(), "hash": entry.hash})


class LedgerPage(Answer):
    """A part of a chain."""

    items: list[LedgerEntryAnswer]
    next: str | None


class ExportQuery(BaseModel):
    """Which part of which chain; without an account, of the broker's own."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    account_id: AccountId | None = None
    after: Annotated[int, Field(ge=0, le=_LARGEST)] = 0
    """Begin with the entry that follows this one."""
    through: Annotated[int, Field(ge=1, le=_LARGEST)] | None = None
    """End with this entry."""


class CheckpointBody(Body):
    """Whose ledger is to be signed."""

    account_id: AccountId


class CheckpointAnswer(Answer):
    """A signed head: `checkpoint` is the JWS, the rest says what is in it and who signed."""

    account_id: AccountId
    seq: int
    hash: str
    issuer: str
    kid: str
    signed_at: Timestamp
    checkpoint: str

    @classmethod
    def of(cls, checkpoint: Checkpoint) -> CheckpointAnswer:
        """The answer for `checkpoint`."""
        return cls(
            account_id=checkpoint.account_id,
            seq=checkpoint.seq,
            hash=checkpoint.hash,
            issuer=checkpoint.issuer,
            kid=checkpoint.key.kid,
            signed_at=checkpoint.signed_at,
            checkpoint=checkpoint.jws,
        )
