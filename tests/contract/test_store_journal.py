"""The journal: entries and records together, in order, once, or not at all."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from broker.domain.identifiers import SessionId
from broker.domain.ledger.entries import BROKER_CHAIN, Head, chain_of, verify
from broker.domain.ports import Save
from broker.errors import Conflict, DependencyUnavailable
from broker.store import Store, open_store
from broker.store.journal import _Write
from tests.contract.store_samples import (
    NOW,
    ONE,
    TWO,
    a_grant,
    a_session,
    a_ticket,
    an_account,
    an_event,
    records_of,
    write,
)
from tests.contract.store_writer import start_writer

CHAIN = chain_of(ONE)


def test_an_empty_chain_has_the_head_that_everything_builds_on(store: Store) -> None:
    assert store.journal.head(CHAIN) == Head()
    assert store.journal.entries(CHAIN, after=0, limit=10) == ()


def test_entries_come_back_as_they_were_sealed(store: Store) -> None:
    event = replace(
        an_event(ticket="T-1"),
        reason="nötig",
        details={"count": 1, "flag": True, "text": "1", "list": ["a", "b"]},
    )
    written = store.journal.record(CHAIN, event, an_event(), now=NOW)
    assert store.journal.entries(CHAIN, after=0, limit=10) == written
    assert verify(written, chain=CHAIN) == store.journal.head(CHAIN)


def test_entries_are_read_in_parts(store: Store) -> None:
    written = store.journal.record(CHAIN, *[an_event()] * 5, now=NOW)
    assert store.journal.entries(CHAIN, after=1, limit=2) == written[1:3]
    assert store.journal.entries(CHAIN, after=5, limit=2) == ()


def test_chains_do_not_mix(store: Store) -> None:
    store.journal.record(CHAIN, an_event(), now=NOW)
    store.journal.record(chain_of(TWO), an_event(), now=NOW)
    store.journal.record(BROKER_CHAIN, an_event(), now=NOW)
    for chain in (CHAIN, chain_of(TWO), BROKER_CHAIN):
        assert verify(store.journal.entries(chain, after=0, limit=10), chain=chain).seq == 1


@pytest.mark.parametrize("expected", [0, 2, 7])
def test_a_stale_save_writes_neither_entry_nor_record(store: Store, expected: int) -> None:
    write(store, a_ticket(subject="first"))
    head = store.journal.head(BROKER_CHAIN)
    with pytest.raises(Conflict) as refused:
        write(store, a_ticket(subject="second"), expected=expected)
    assert refused.value.code == "stale_version"
    assert store.journal.head(BROKER_CHAIN) == head
    found = store.tickets.get(a_ticket().ticket_id)
    assert found is not None
    assert found.record.subject == "first"


def test_the_chain_goes_on_after_a_stale_save(store: Store) -> None:
    write(store, a_ticket())
    with pytest.raises(Conflict):
        write(store, a_ticket())
    write(store, a_ticket(), expected=1)
    entries = store.journal.entries(BROKER_CHAIN, after=0, limit=10)
    assert verify(entries, chain=BROKER_CHAIN).seq == 2


def test_one_stale_save_of_several_stops_them_all(store: Store) -> None:
    write(store, a_session(1))
    with pytest.raises(Conflict):
        write(store, an_account(), a_grant(), a_session(2), a_session(1))
    assert store.journal.head(CHAIN).seq == 1
    assert store.accounts.get(ONE) is None
    assert store.sessions.get(a_session(2).session_id) is None
    assert records_of(store.grants.of_engineer(ONE, a_grant().engineer)) == ()


def test_several_records_and_entries_are_written_together(store: Store) -> None:
    saves = [Save(an_account(), 0), Save(a_grant(), 0), Save(a_session(), 0)]
    store.journal.record(CHAIN, an_event(), an_event(), now=NOW, saves=saves)
    assert store.journal.head(CHAIN).seq == 2
    assert store.accounts.get(ONE) is not None
    assert store.sessions.get(a_session().session_id) is not None
    assert records_of(store.grants.of_engineer(ONE, a_grant().engineer)) == (a_grant(),)


def test_a_record_is_not_saved_with_another_chain(store: Store) -> None:
    for chain, record in ((chain_of(TWO), a_session()), (CHAIN, a_ticket())):
        with pytest.raises(ValueError, match="chain"):
            store.journal.record(chain, an_event(), now=NOW, saves=[Save(record, 0)])
        assert store.journal.head(chain) == Head()


def test_a_record_is_not_saved_without_an_event_or_twice(store: Store) -> None:
    with pytest.raises(ValueError, match="event"):
        store.journal.record(CHAIN, now=NOW, saves=[Save(a_session(), 0)])
    with pytest.raises(ValueError, match="once"):
        write(store, a_session(), a_session())
    assert store.journal.head(CHAIN) == Head()


def test_an_entry_of_an_unknown_schema_is_refused(store: Store) -> None:
    key = store.journal._keyspace.chain(CHAIN)
    store._connection.send("XADD", key, "1-0", "entry", '{"schema":2}', "mark", "m")
    with pytest.raises(DependencyUnavailable) as refused:
        store.journal.entries(CHAIN, after=0, limit=1)
    assert refused.value.code == "store_unavailable"


def test_threads_extend_one_chain_without_losing_an_entry(store: Store) -> None:
    """32 threads start together; each entry is there exactly once."""
    threads, each = 32, 20
    start = threading.Barrier(threads)

    def append(thread: int) -> None:
        start.wait()
        for number in range(each):
            store.journal.record(CHAIN, an_event(n=f"{thread}-{number}"), now=NOW)

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(append, range(threads)))
    entries = store.journal.entries(CHAIN, after=0, limit=threads * each + 1)
    assert verify(entries, chain=CHAIN).seq == threads * each
    assert len({entry.ids["n"] for entry in entries}) == threads * each


def test_writers_that_see_the_same_thing_are_both_heard(
    store: Store, store_url: str, store_namespace: str
) -> None:
    """The same event in the same millisecond seals to the same entry, but happened twice."""
    each = 100
    with open_store(store_url, namespace=store_namespace) as other, ThreadPoolExecutor(2) as pool:

        def append(writer: Store) -> None:
            for _ in range(each):
                writer.journal.record(CHAIN, an_event(), now=NOW)

        list(pool.map(append, (store, other)))
    entries = store.journal.entries(CHAIN, after=0, limit=1000)
    assert verify(entries, chain=CHAIN).seq == 2 * each


def test_an_entry_follows_the_head_that_is_there_not_the_one_remembered(store: Store) -> None:
    """A failover may have put another entry in the place of the one that we remember."""
    store.journal.record(CHAIN, an_event(), now=NOW)
    key = store.journal._keyspace.head(CHAIN)
    store._connection.send("HSET", key, "hash", "f" * 64)
    [entry] = store.journal.record(CHAIN, an_event(), now=NOW)
    assert (entry.seq, entry.previous_hash) == (2, "f" * 64)


def test_a_writer_that_came_too_late_has_the_next_turn(
    store: Store, store_url: str, store_namespace: str
) -> None:
    """Without it, of two writers in step one would come too late for ever."""

    def send(writer: Store, head: Head) -> str:
        write = _Write(chain=CHAIN, events=(an_event(),), at=NOW, saves=(), places=())
        answer = writer.journal._send(write, head, write.sealed_after(head))
        return str(answer[0])

    with open_store(store_url, namespace=store_namespace) as late:
        assert send(store, Head()) == "done"
        assert send(late, Head()) == "moved"
        head = store.journal.head(CHAIN)
        turn = store.journal._keyspace.turn(CHAIN)
        store._connection.send("PERSIST", turn)
        assert send(store, head) == "wait"
        assert send(late, head) == "done"
        assert send(store, store.journal.head(CHAIN)) == "done"


def test_the_turn_of_a_writer_that_died_passes(store: Store) -> None:
    turn = store.journal._keyspace.turn(CHAIN)
    store._connection.send("SET", turn, "a writer that died", "PX", 50)
    store.journal.record(CHAIN, an_event(), now=NOW)
    assert store.journal.head(CHAIN).seq == 1


def test_two_processes_extend_one_chain(store: Store, store_url: str, store_namespace: str) -> None:
    each = 150
    writers = [
        start_writer(store_url, store_namespace, first=first, count=each) for first in (1, 1001)
    ]
    acknowledged: list[str] = []
    for writer in writers:
        output, _ = writer.communicate(timeout=60)
        assert writer.returncode == 0
        acknowledged += output.split()
    entries = store.journal.entries(CHAIN, after=0, limit=1000)
    assert verify(entries, chain=CHAIN).seq == 2 * each
    assert sorted(entry.ids["session"] for entry in entries) == sorted(acknowledged)


def test_a_killed_process_leaves_nothing_half_written(
    store: Store, store_url: str, store_namespace: str
) -> None:
    """Entry and record are both there or both not, and what was acknowledged is there."""
    writer = start_writer(store_url, store_namespace, first=1, count=100_000)
    assert writer.stdout is not None
    acknowledged = [writer.stdout.readline().strip() for _ in range(50)]
    writer.kill()
    acknowledged += writer.communicate()[0].split()

    entries = store.journal.entries(CHAIN, after=0, limit=100_000)
    verify(entries, chain=CHAIN)
    explained = {entry.ids["session"] for entry in entries}
    assert explained >= {session for session in acknowledged if len(session) == 22}
    assert all(store.sessions.get(SessionId(session)) for session in explained)
    following = SessionId(f"s-{len(entries) + 1:020x}")
    assert store.sessions.get(following) is None
