"""How ledger entries are kept: as the line of canonical JSON that an export holds."""

from __future__ import annotations

import json
from typing import Any

from broker.domain.ledger.entries import SCHEMA, LedgerEntry
from broker.errors import StoreUnavailable


class UnreadableEntry(Exception):
    """A stored entry is not of the schema that this code knows."""


def encode(entry: LedgerEntry) -> str:
    """The entry's canonical JSON."""
    return entry.line().decode("utf-8")


def decode(text: str) -> LedgerEntry:
    """The entry as stored, not yet verified; raises StoreUnavailable."""
    try:
        return _entry_of(json.loads(text))
    except (UnreadableEntry, ValueError, TypeError) as e:
        raise StoreUnavailable(
            "The ledger holds an entry that this version of the broker cannot read."
        ) from e


def _entry_of(members: dict[str, Any]) -> LedgerEntry:
    if members.get("schema") != SCHEMA:
        raise UnreadableEntry(f"an entry has schema {members.get('schema')}, this code {SCHEMA}")
    return LedgerEntry(**members)
