"""When the server is gone, silent, forgetful or its answers get lost."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import pytest

from broker.domain.ledger.entries import chain_of, verify
from broker.domain.limits import Counted, Limit, Window
from broker.domain.ports import Acceptance, Begun, Finished, Save, Versioned
from broker.errors import DependencyUnavailable
from broker.store import Store, Timeouts, open_store
from broker.store.scripts import script
from tests.contract.store_samples import (
    ANN,
    NOW,
    ONE,
    a_session,
    a_ticket,
    an_account,
    an_event,
    write,
)
from tests.contract.store_servers import (
    PERSISTENT,
    RunningServer,
    on_socket,
    redis_server_binary,
)
from tests.contract.store_wire import LossyWire

IMPATIENT = Timeouts(connect=0.1, answer=0.1, pool=0.1)
CHAIN = chain_of(ONE)
A_WINDOW = Window(Counted.SESSIONS_OVERALL, "all", Limit.parse("1/60"))


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RunningServer]:
    with on_socket(tmp_path, binary=redis_server_binary(), options=PERSISTENT) as running:
        yield running


Read = Callable[[Store], object]
READS: list[Read] = [
    lambda store: store.ping(),
    lambda store: store.accounts.get(ONE),
    lambda store: store.accounts.page(cursor=None, limit=1),
    lambda store: store.accounts.changed_since(0),
    lambda store: store.accounts.of_issuer(an_account().issuer_id),
    lambda store: store.tickets.get(a_ticket().ticket_id),
    lambda store: store.grants.of_engineer(ONE, ANN),
    lambda store: store.sessions.get(a_session().session_id),
    lambda store: store.api_tokens.get("0" * 12),
    lambda store: store.hooks.get("0" * 32),
    lambda store: store.agenda.claim(now=NOW, hold=timedelta(minutes=1), limit=1),
    lambda store: store.agenda.next_due(),
    lambda store: store.journal.head(CHAIN),
    lambda store: store.journal.entries(CHAIN, after=0, limit=1),
    lambda store: store.leases.acquire("work", holder="a", ttl=timedelta(minutes=1)),
    lambda store: store.idempotency.begin("k", fingerprint="f"),
    lambda store: store.windows.look(A_WINDOW),
    lambda store: store.windows.take(A_WINDOW),
    lambda store: store.acceptances.knows("f" * 64),
    lambda store: store.acceptances.keep([Acceptance("f" * 64, None, NOW)]),
    lambda store: store.api_tokens.last_uses(["0" * 12]),
    lambda store: store.durability(),
]


def assert_unavailable(store: Store, reads: Sequence[Read] = READS) -> None:
    for read in reads:
        with pytest.raises(DependencyUnavailable) as unread:
            read(store)
        assert unread.value.code == "store_unavailable"
    with pytest.raises(DependencyUnavailable) as unwritten:
        write(store, a_session())
    assert unwritten.value.code == "ledger_unavailable"
    assert store.problems() == ("The store does not answer. Try again in a moment.",)


def test_a_server_that_is_gone_is_reported_at_once(server: RunningServer) -> None:
    with open_store(server.url) as store:
        store.ping()
        server.kill()
        started = time.monotonic()
        assert_unavailable(store)
        assert time.monotonic() - started < 10


def test_a_server_that_was_never_there_is_reported_at_first_use(tmp_path: Path) -> None:
    with open_store(f"unix://{tmp_path}/nothing") as store:
        assert_unavailable(store)


def test_a_server_that_hangs_is_not_waited_for(server: RunningServer) -> None:
    with open_store(server.url, timeouts=IMPATIENT) as store:
        store.ping()
        server.freeze()
        started = time.monotonic()
        assert_unavailable(store, READS[:2])
        assert time.monotonic() - started < 10


def test_a_queue_behind_a_server_that_hangs_ends(server: RunningServer) -> None:
    """Each of 16 threads on one chain gets its answer within the time that one may wait."""

    def append(store: Store) -> float:
        started = time.monotonic()
        with pytest.raises(DependencyUnavailable) as failed:
            store.journal.record(CHAIN, an_event(), now=NOW)
        assert failed.value.code == "ledger_unavailable"
        return time.monotonic() - started

    with (
        open_store(server.url, timeouts=IMPATIENT) as store,
        ThreadPoolExecutor(16) as pool,
    ):
        store.journal.record(CHAIN, an_event(), now=NOW)
        server.freeze()
        assert max(pool.map(append, [store] * 16)) < 8


def test_fewer_connections_than_threads_are_shared(server: RunningServer) -> None:
    with open_store(server.url, connections=2) as store, ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda _: store.journal.record(CHAIN, an_event(), now=NOW), range(200)))
        assert store.journal.head(CHAIN).seq == 200
        assert store._connection.send("INFO", "clients")["connected_clients"] <= 2


def test_a_server_that_forgot_the_scripts_is_taught_them_again(server: RunningServer) -> None:
    with open_store(server.url) as store:
        write(store, a_session(1))
        store._connection.send("SCRIPT", "FLUSH")
        write(store, a_session(2))
        assert store.journal.head(CHAIN).seq == 2


@pytest.fixture
def lossy(server: RunningServer, tmp_path: Path) -> Iterator[Callable[[str], LossyWire]]:
    with ExitStack() as stack:

        def loses_answers_of(name: str) -> LossyWire:
            wire = LossyWire(
                tmp_path,
                server=server.url.removeprefix("unix://"),
                marker=script(name).sha.encode(),
            )
            return stack.enter_context(wire)

        yield loses_answers_of


def test_a_write_whose_answer_got_lost_is_written_once(
    lossy: Callable[[str], LossyWire],
) -> None:
    wire = lossy("record")
    with open_store(wire.url) as store:
        write(store, a_session(1))
        for number, losses in ((2, 1), (3, 2)):
            wire.lose(losses)
            write(store, a_session(number))
        assert wire.lost == 3
        write(store, a_session(4))
        entries = store.journal.entries(CHAIN, after=0, limit=10)
        assert verify(entries, chain=CHAIN).seq == 4
        found = store.sessions.get(a_session(3).session_id)
        assert found == Versioned(a_session(3), 1)


def test_a_write_whose_answers_all_got_lost_is_reported_and_whole(
    lossy: Callable[[str], LossyWire],
) -> None:
    """Nobody can tell the caller that it was written; but entry and record agree."""
    wire = lossy("record")
    with open_store(wire.url) as store:
        write(store, a_session(1))
        wire.lose(3)
        with pytest.raises(DependencyUnavailable) as failed:
            write(store, a_session(2))
        assert failed.value.code == "ledger_unavailable"
        assert wire.lost == 3
        assert store.journal.head(CHAIN).seq == 2
        assert store.sessions.get(a_session(2).session_id) == Versioned(a_session(2), 1)
        write(store, a_session(3))
        assert verify(store.journal.entries(CHAIN, after=0, limit=10), chain=CHAIN).seq == 3


def test_a_lost_answer_meets_a_chain_that_went_on(
    lossy: Callable[[str], LossyWire], server: RunningServer
) -> None:
    """Another writer extends the chain before the write is sent again: it still counts as done."""
    wire = lossy("record")
    with open_store(wire.url) as store, open_store(server.url) as other:
        store.journal.record(CHAIN, an_event(), now=NOW)
        send_again = store._connection._attempt

        def other_first(operation: Callable[..., object]) -> object:
            def overtaken(redis: object) -> object:
                if wire.lost == 1 and other.journal.head(CHAIN).seq == 2:
                    other.journal.record(CHAIN, an_event(by="other"), now=NOW)
                return operation(redis)

            return send_again(overtaken)

        store._connection._attempt = other_first  # type: ignore[method-assign]
        wire.lose(1)
        store.journal.record(CHAIN, an_event(by="us"), now=NOW)
        entries = store.journal.entries(CHAIN, after=0, limit=10)
        verify(entries, chain=CHAIN)
        assert [entry.ids.get("by") for entry in entries] == [None, "us", "other"]


def test_a_claim_whose_answer_got_lost_is_still_ours(
    lossy: Callable[[str], LossyWire],
) -> None:
    wire = lossy("begin_request")
    with open_store(wire.url) as store:
        store.idempotency.begin("other", fingerprint="f")
        wire.lose(1)
        assert store.idempotency.begin("k", fingerprint="f") == Begun()
        assert wire.lost == 1
        store.idempotency.finish("k", Finished(200, "{}"))
        assert store.idempotency.begin("k", fingerprint="f") == Finished(200, "{}")


def test_a_lease_whose_answer_got_lost_is_still_ours(
    lossy: Callable[[str], LossyWire],
) -> None:
    wire = lossy("acquire_lease")
    with open_store(wire.url) as store:
        store.leases.acquire("other", holder="a", ttl=timedelta(minutes=1))
        wire.lose(1)
        assert store.leases.acquire("work", holder="a", ttl=timedelta(minutes=1)) is not None
        assert wire.lost == 1


def test_a_registration_whose_announcement_got_lost_goes_through(
    lossy: Callable[[str], LossyWire],
) -> None:
    wire = lossy("announce_account")
    with open_store(wire.url) as store:
        write(store, an_account())
        wire.lose(1)
        changed = an_account(customer="Renamed")
        store.journal.record(CHAIN, an_event(), now=NOW, saves=[Save(changed, 1)])
        assert wire.lost == 1
        assert store.accounts.of_issuer(changed.issuer_id) == changed
