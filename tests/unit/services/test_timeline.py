"""A chain read from its end: in parts, by a filter, and where its beginning was archived."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import cast

import pytest

from broker.domain.identifiers import AccountId
from broker.domain.identity.permissions import Caller, Role
from broker.domain.ledger.entries import Chain, Head, LedgerEntry, Outcome
from broker.domain.ports import GrantRepository, Journal, SessionRepository
from broker.errors import InvalidRequest
from broker.services.ambient import utc_now
from broker.services.authorization import Gate
from broker.services.calls import Call
from broker.services.ledger.timeline import EntryFilter, Timeline
from broker.services.reading import Window

ACCOUNT = AccountId.parse("111122223333")
CALL = Call(
    caller=Caller(subject="otto", roles=frozenset({Role.AUDITOR})),
    request_id="r",
    source_address="local",
)


@dataclass
class Kept:
    """A chain of that length, of which the first entries were archived."""

    length: int
    archived: int = 0
    read: list[int] = field(default_factory=list)

    def head(self, chain: Chain) -> Head:
        """See Journal."""
        del chain
        return Head(seq=self.length)

    def entries(self, chain: Chain, *, after: int, limit: int) -> tuple[LedgerEntry, ...]:
        """See Journal."""
        first = max(after, self.archived) + 1
        numbers = range(first, min(first + limit, self.length + 1))
        self.read += numbers
        return tuple(_entry(chain, seq) for seq in numbers)


def _entry(chain: Chain, seq: int) -> LedgerEntry:
    """Every tenth entry is of ticket T-1, and about Gus."""
    mine = seq % 10 == 0
    return LedgerEntry(
        chain=chain,
        seq=seq,
        at="2026-03-01T09:00:00Z",
        actor="broker",
        action="session.opened",
        outcome=Outcome.DONE,
        reason=None,
        ids={"ticket": "T-1"} if mine else {},
        details={"engineer": "gus"} if mine else {},
        previous_hash="",
        hash="",
    )


def walked(kept: Kept, wanted: EntryFilter, *, limit: int) -> tuple[list[int], int]:
    """The numbers of all entries as they come, and in how many parts."""
    timeline = _over(kept)
    numbers, cursor, parts = [], None, 0
    while parts == 0 or cursor is not None:
        page = timeline.page(ACCOUNT, wanted, Window(limit, cursor), CALL)
        assert len(page.items) <= limit
        numbers += [entry.seq for entry in page.items]
        cursor, parts = page.next, parts + 1
    return numbers, parts


def _over(kept: Kept) -> Timeline:
    journal = cast(Journal, kept)
    return Timeline(
        journal=journal,
        sessions=cast(SessionRepository, None),
        grants=cast(GrantRepository, None),
        gate=Gate(journal=journal, clock=utc_now),
    )


@pytest.mark.parametrize("length", [0, 1, 9, 10, 11, 20, 25])
@pytest.mark.parametrize("archived", [0, 1, 7, 10])
def test_everything_comes_once_and_backwards(length: int, archived: int) -> None:
    """Whatever the length, and wherever an archive was cut."""
    gone = min(archived, length)
    numbers, parts = walked(Kept(length, gone), EntryFilter(), limit=10)
    assert numbers == list(range(length, gone, -1))
    assert parts <= 1 + length // 10


@pytest.mark.parametrize("wanted", [EntryFilter(ticket="T-1"), EntryFilter(engineer="gus")])
def test_a_filter_passes_over_the_rest(wanted: EntryFilter) -> None:
    """Also where what it lets through is far behind, part by part."""
    numbers, _ = walked(Kept(1000), wanted, limit=3)
    assert numbers == list(range(1000, 0, -10))
    assert walked(Kept(1000), EntryFilter(ticket="T-2"), limit=3)[0] == []


def test_the_end_of_a_long_chain_costs_one_part() -> None:
    """However much stands before it."""
    kept = Kept(5_000_000)
    page = _over(kept).page(ACCOUNT, EntryFilter(), Window(50, None), CALL)
    assert page.next == "4999951"
    assert len(kept.read) <= 100


@pytest.mark.parametrize("cursor", ["", "x", "-1", "0x1", "\u0661", "1" * 16])
def test_a_cursor_of_something_else(cursor: str) -> None:
    """It is told so."""
    with pytest.raises(InvalidRequest):
        _over(Kept(5)).page(ACCOUNT, EntryFilter(), Window(10, cursor), CALL)
