"""`kill -9` of the embedded server in the middle of everything loses nothing that was promised."""

from __future__ import annotations

import os
import signal
import threading
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from broker.domain.identifiers import SessionId
from broker.domain.ledger.entries import chain_of, verify
from broker.domain.ports import Save
from broker.errors import DependencyUnavailable
from broker.store import Store, open_store
from tests.contract.store_samples import NOW, a_session, account_id, an_event
from tests.contract.store_servers import until

THREADS = 16
KILLS = 4
ACCOUNTS = [account_id(number) for number in range(1, 5)]


class Writers:
    """Threads that open sessions in four accounts until they are told to stop."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._stop = threading.Event()
        self.acknowledged: dict[str, list[str]] = defaultdict(list)
        self.failed = 0

    def write(self, thread: int) -> None:
        account = ACCOUNTS[thread % len(ACCOUNTS)]
        number = thread
        while not self._stop.is_set():
            number += THREADS
            session = a_session(number, account_id=account)
            event = an_event(session=session.session_id)
            try:
                self._store.journal.record(
                    chain_of(account), event, now=NOW, saves=[Save(session, 0)]
                )
            except DependencyUnavailable as e:
                assert e.code == "ledger_unavailable"  # noqa: PT017 - the only failure allowed
                self.failed += 1
            else:
                self.acknowledged[account].append(session.session_id)

    def count(self) -> int:
        return sum(len(sessions) for sessions in list(self.acknowledged.values()))

    def stop(self) -> None:
        self._stop.set()


def kill_server(store: Store) -> None:
    os.kill(store._connection.send("INFO", "server")["process_id"], signal.SIGKILL)


def test_every_acknowledged_write_survives_and_the_writers_go_on(tmp_path: Path) -> None:
    with open_store(f"embedded:{tmp_path / 'store'}", connections=THREADS) as store:
        writers = Writers(store)
        with ThreadPoolExecutor(THREADS) as pool:
            running = [pool.submit(writers.write, thread) for thread in range(THREADS)]
            for _ in range(KILLS):
                before = writers.count()
                until(lambda before=before: writers.count() > before + 100)  # type: ignore[misc]
                kill_server(store)
            before = writers.count()
            until(lambda: writers.count() > before + 100)
            writers.stop()
            for thread in running:
                thread.result(timeout=30)
        kill_server(store)
        for account in ACCOUNTS:
            assert_whole(store, account, acknowledged=writers.acknowledged[account])


def assert_whole(store: Store, account: str, *, acknowledged: list[str]) -> None:
    """The chain verifies, holds each acknowledged session once, and each entry has its record."""
    chain = chain_of(account)  # type: ignore[arg-type]
    entries = store.journal.entries(chain, after=0, limit=1_000_000)
    assert verify(entries, chain=chain) == store.journal.head(chain)
    explained = [entry.ids["session"] for entry in entries]
    assert len(set(explained)) == len(explained)
    assert set(acknowledged) <= set(explained)
    assert all(store.sessions.get(SessionId(session)) is not None for session in explained)
