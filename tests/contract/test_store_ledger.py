"""The ledger's part of the store: entries as they are kept, checkpoints, and what is archived."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from typing import Any

import pytest
import rfc8785

from broker.domain.ledger.checkpoints import Checkpoint
from broker.domain.ledger.entries import Head, chain_of, verify
from broker.domain.ports import Save
from broker.errors import Conflict
from broker.store import Store
from tests.contract.store_samples import NOW, ONE, TWO, a_key, an_event, write

CHAIN = chain_of(ONE)


def a_checkpoint(seq: int = 1, **changes: Any) -> Checkpoint:
    checkpoint = Checkpoint(
        account_id=ONE,
        seq=seq,
        hash="a" * 64,
        issuer="https://broker.example.com/oidc/1",
        signed_at=NOW,
        key=a_key().reference.public_jwk,
        jws="a.b.c",
    )
    return replace(checkpoint, **changes)


def test_entries_are_kept_as_canonical_json(store: Store) -> None:
    event = replace(an_event(ticket="T-1"), reason="nötig\u2028", details={"b": [], "a": True})
    (entry,) = store.journal.record(CHAIN, event, now=NOW)
    (kept,) = store.journal.written(CHAIN, after=0, through=10, limit=10)
    assert kept.seq == 1
    assert kept.line.encode() == entry.line()
    assert rfc8785.dumps(json.loads(kept.line)) == entry.line()


def test_entries_as_they_are_kept_come_in_parts(store: Store) -> None:
    store.journal.record(CHAIN, *[an_event()] * 6, now=NOW)

    def seqs(after: int, through: int, limit: int) -> list[int]:
        found = store.journal.written(CHAIN, after=after, through=through, limit=limit)
        return [entry.seq for entry in found]

    assert seqs(0, 6, 4) == [1, 2, 3, 4]
    assert seqs(4, 6, 4) == [5, 6]
    assert seqs(2, 4, 9) == [3, 4]
    assert seqs(6, 6, 9) == []


def test_an_account_without_checkpoints_has_no_latest(store: Store) -> None:
    assert store.checkpoints.latest(ONE) is None
    assert store.checkpoints.between(ONE, first=0, last=99, limit=9) == ()


def test_checkpoints_are_found_in_the_order_of_their_entries(store: Store) -> None:
    made = [a_checkpoint(seq) for seq in (7, 100, 20, 9)]
    write(store, *made)
    write(store, a_checkpoint(3, account_id=TWO))
    latest = store.checkpoints.latest(ONE)
    assert latest is not None
    assert (latest.record, latest.version) == (made[1], 1)

    def seqs(first: int, last: int, limit: int = 9) -> list[int]:
        found = store.checkpoints.between(ONE, first=first, last=last, limit=limit)
        return [checkpoint.seq for checkpoint in found]

    assert seqs(0, 1000) == [7, 9, 20, 100]
    assert seqs(9, 20) == [9, 20]
    assert seqs(0, 1000, limit=2) == [7, 9]
    assert seqs(21, 99) == []


def test_a_head_is_signed_once(store: Store) -> None:
    write(store, a_checkpoint(5))
    with pytest.raises(Conflict):
        write(store, a_checkpoint(5, hash="b" * 64))
    write(store, a_checkpoint(5).copied("bucket"), expected=1)
    latest = store.checkpoints.latest(ONE)
    assert latest is not None
    assert latest.record.copied_to == "bucket"


def test_archiving_drops_old_entries_with_the_entry_that_says_so(store: Store) -> None:
    written = store.journal.record(CHAIN, *[an_event()] * 5, now=NOW)
    (archived,) = store.journal.archive(CHAIN, an_event(), through=3, now=NOW)
    assert archived.seq == 6
    assert store.journal.head(CHAIN) == Head(6, archived.hash)
    rest = store.journal.entries(CHAIN, after=0, limit=99)
    assert rest == (*written[3:], archived)
    before = Head(3, written[2].hash)
    assert verify(rest, chain=CHAIN, after=before).seq == 6
    assert [e.seq for e in store.journal.written(CHAIN, after=0, through=5, limit=9)] == [4, 5]


def test_a_chain_goes_on_after_all_of_it_was_archived(store: Store) -> None:
    store.journal.record(CHAIN, *[an_event()] * 2, now=NOW)
    (archived,) = store.journal.archive(CHAIN, an_event(), through=2, now=NOW)
    store.journal.record(CHAIN, an_event(), now=NOW, saves=[Save(a_checkpoint(3), 0)])
    rest = store.journal.entries(CHAIN, after=0, limit=9)
    assert [entry.seq for entry in rest] == [3, 4]
    assert rest[1].previous_hash == archived.hash


@pytest.mark.parametrize("through", [-1, 0, 3])
def test_only_entries_that_there_are_can_be_archived(store: Store, through: int) -> None:
    store.journal.record(CHAIN, *[an_event()] * 2, now=NOW)
    with pytest.raises(ValueError, match="only entries that there are"):
        store.journal.archive(CHAIN, an_event(), through=through, now=NOW)
    assert store.journal.head(CHAIN).seq == 2


def test_archiving_among_other_writers_loses_nothing(store: Store) -> None:
    """Whoever writes at the same time, everything after the cut is there, in one chain."""
    written = store.journal.record(CHAIN, *[an_event()] * 50, now=NOW)

    def write_on() -> None:
        for _ in range(20):
            store.journal.record(CHAIN, an_event(), now=NOW)

    writers = [threading.Thread(target=write_on) for _ in range(3)]
    for writer in writers:
        writer.start()
    for through in range(10, 51, 10):
        store.journal.archive(CHAIN, an_event(), through=through, now=NOW)
    for writer in writers:
        writer.join()
    rest = store.journal.entries(CHAIN, after=0, limit=999)
    assert rest[0].seq == 51
    assert verify(rest, chain=CHAIN, after=Head(50, written[-1].hash)).seq == 50 + 60 + 5
