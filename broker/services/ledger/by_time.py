"""Entries of a chain by time: found by halving, since a chain is in order and may be long."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from broker.domain.ledger.entries import Chain, LedgerEntry
from broker.domain.ports import Journal

SLACK = timedelta(minutes=15)
"""By how much the clocks of processes may differ, and a step may take between its entries."""

_PART = 500


def entries_around(
    journal: Journal, chain: Chain, *, since: datetime, until: datetime
) -> Iterator[LedgerEntry]:
    """The entries from `since` to `until`, and those within `SLACK` on either side."""
    last = until + SLACK
    after = _last_before(journal, chain, since - SLACK)
    while True:
        part = journal.entries(chain, after=after, limit=_PART)
        for entry in part:
            if _time_of(entry) > last:
                return
            yield entry
        if len(part) < _PART:
            return
        after = part[-1].seq


def _last_before(journal: Journal, chain: Chain, moment: datetime) -> int:
    """The place of the last entry that is older than `moment`; 0 where none is.

    Entries that are not in the store any more count as older.
    """
    low, high = 0, journal.head(chain).seq
    while low < high:
        middle = (low + high) // 2
        found = journal.entries(chain, after=middle, limit=1)
        if found and _time_of(found[0]) < moment:
            low = found[0].seq
        else:
            high = middle
    return low


def _time_of(entry: LedgerEntry) -> datetime:
    return datetime.fromisoformat(entry.at)
