"""The models of `/v1/ledger`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from broker.domain.ledger import LedgerEntry
from broker.web.schemas.base import Answer


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
