"""Workers on a real store, with handlers that note what they were given."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from broker.domain.identifiers import AccountId
from broker.domain.ports import TaskKind
from broker.services.background.alarm import Alarm
from broker.services.background.crew import Handler
from broker.services.background.worker import Worker
from broker.services.calls import Call
from broker.services.observations import Unobserved
from broker.store import Store
from tests.contract.store_samples import NOW, account_id, an_account, write

A_MINUTE = timedelta(minutes=1)
SIX_HOURS = timedelta(hours=6)
FOREVER = 120.0
"""Seconds after which a test gives up."""


def a_worker(
    store: Store,
    handlers: Mapping[TaskKind, Handler],
    *,
    clock: Callable[[], datetime],
    **changes: Any,
) -> Worker:
    settings = {
        "agenda": store.agenda,
        "observer": Unobserved(),
        "retry_after": lambda failures: failures * A_MINUTE,
        "outage_pause": lambda _: timedelta(0),
        "threads": 8,
    }
    return Worker(handlers=handlers, clock=clock, **{**settings, **changes})


@contextmanager
def working(*workers: Worker) -> Iterator[None]:
    """Let the workers run during the block, and stop them in order."""
    alarms = [Alarm() for _ in workers]
    threads = [
        threading.Thread(target=worker.run, args=(alarm,))
        for worker, alarm in zip(workers, alarms, strict=True)
    ]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        for alarm in alarms:
            alarm.stop()
        for thread in threads:
            thread.join(FOREVER)
            assert not thread.is_alive(), "a worker does not stop"


def save_account(store: Store, number: int, *, due: datetime, expected: int) -> None:
    write(store, an_account(account_id(number), next_check_at=due), expected=expected)


def put_down(store: Store, count: int) -> list[str]:
    """New accounts that are due now; their ids."""
    for number in range(count):
        save_account(store, number, due=NOW, expected=0)
    return [account_id(number) for number in range(count)]


@dataclass
class Noting:
    """A handler that counts what it was given, and saves the account for six hours later."""

    store: Store
    clock: Callable[[], datetime]
    counts: Counter[str] = field(default_factory=Counter)
    _changed: threading.Condition = field(default_factory=threading.Condition)

    def __call__(self, subject: str, call: Call) -> None:
        del call
        stored = self.store.accounts.get(AccountId(subject))
        assert stored is not None
        later = self.clock() + SIX_HOURS
        save_account(self.store, int(subject), due=later, expected=stored.version)
        with self._changed:
            self.counts[subject] += 1
            self._changed.notify_all()

    def wait_for(self, total: int) -> None:
        """Return when so many tasks are done."""
        with self._changed:
            done = self._changed.wait_for(lambda: self.counts.total() >= total, FOREVER)
        assert done, f"{self.counts.total()} of {total} tasks were done"
