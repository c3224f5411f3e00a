"""The ledger as an auditor reads it: whole chains, recomputed without the broker's code."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

import httpx

Entry = Mapping[str, Any]


def read_chain(auditor: httpx.Client, account_id: str | None) -> list[Entry]:
    """A whole chain; the broker's own where no account is named."""
    query: dict[str, str] = {"limit": "200"}
    if account_id is not None:
        query["account_id"] = account_id
    entries: list[Entry] = []
    while True:
        page = auditor.get("/v1/ledger", params=query).raise_for_status().json()
        entries += page["items"]
        if page["next"] is None:
            return entries
        query["cursor"] = page["next"]


def check_chain(entries: Sequence[Entry]) -> None:
    """SHA-256 over canonical JSON links each entry to the one before, from the first to the last.

    For the texts in it, RFC 8785 is JSON with sorted members and no white space.
    """
    previous = "0" * 64
    for number, entry in enumerate(entries, start=1):
        assert (entry["seq"], entry["previous_hash"]) == (number, previous)
        hashed = {name: value for name, value in entry.items() if name != "hash"}
        canonical = json.dumps(hashed, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        assert hashlib.sha256(canonical.encode()).hexdigest() == entry["hash"]
        previous = entry["hash"]
