"""Workers on a real agenda: each task once a turn, none delayed by another, none ever lost."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from broker.domain.ports import Agenda, Task, TaskKind
from broker.errors import Conflict, StoreUnavailable
from broker.services.ambient import utc_now
from broker.services.background.alarm import Alarm
from broker.services.background.crew import Crew
from broker.services.background.worker import HOLD, SHORTER_HOLDS
from broker.services.calls import Call
from broker.services.observations import Unobserved
from broker.store import Store, open_store
from tests.contract.store_samples import a_ticket, account_id, write
from tests.integration.background.worker_process import start_worker
from tests.integration.background.workers import (
    A_MINUTE,
    FOREVER,
    NOW,
    SIX_HOURS,
    Noting,
    a_worker,
    put_down,
    working,
)

MANY = 500
FIRST, SECOND = account_id(0), account_id(1)
TASK = Task(TaskKind.ACCOUNT, FIRST)


@dataclass
class Clock:
    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"embedded:{tmp_path / 'store'}"


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    with open_store(url) as opened:
        yield opened


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def noting(store: Store, clock: Clock) -> Noting:
    return Noting(store, clock)


def test_two_workers_do_each_of_many_due_accounts_once_a_turn(
    store: Store, url: str, clock: Clock, noting: Noting
) -> None:
    everybody = put_down(store, MANY)
    shares: dict[str, int] = {"first": 0, "second": 0}

    def handle_as(worker: str) -> Any:
        def handle(subject: str, call: Call) -> None:
            shares[worker] += 1
            noting(subject, call)

        return {TaskKind.ACCOUNT: handle}

    with open_store(url) as other:
        workers = [
            a_worker(store, handle_as("first"), clock=clock),
            a_worker(other, handle_as("second"), clock=clock),
        ]
        for turn in (1, 2):
            with working(*workers):
                noting.wait_for(turn * MANY)
            assert noting.counts == dict.fromkeys(everybody, turn)
            clock.now += SIX_HOURS
    assert all(shares.values())


def test_what_hangs_and_what_raises_delays_nobody(
    store: Store, clock: Clock, noting: Noting
) -> None:
    others = set(put_down(store, 50)) - {FIRST, SECOND}
    released = threading.Event()

    def handle(subject: str, call: Call) -> None:
        if subject == FIRST:
            released.wait(FOREVER)
        if subject == SECOND:
            raise RuntimeError("a bug")
        noting(subject, call)

    worker = a_worker(store, {TaskKind.ACCOUNT: handle}, clock=clock, threads=2)
    with capture_logs() as logs, working(worker):
        noting.wait_for(len(others))
        assert set(noting.counts) == others
        released.set()
        noting.wait_for(len(others) + 1)
    failures = [log for log in logs if log["event"] == "task_failed"]
    assert [(log["subject"], log["exc_info"]) for log in failures] == [(SECOND, True)]
    assert store.agenda.next_due() == NOW + A_MINUTE


def test_a_killed_workers_tasks_come_again_after_their_hold(
    store: Store, url: str, clock: Clock, noting: Noting
) -> None:
    everybody = put_down(store, 10)
    process = start_worker(url, threads=4)
    assert process.stdout is not None
    begun = {process.stdout.readline().strip() for _ in range(4)}
    process.kill()
    process.communicate()
    worker = a_worker(store, {TaskKind.ACCOUNT: noting}, clock=clock)
    worker.work_off(Alarm())
    assert set(noting.counts) == set(everybody) - begun
    clock.now = NOW + HOLD
    worker.work_off(Alarm())
    assert noting.counts == dict.fromkeys(everybody, 1)


def test_a_worker_that_is_stopped_finishes_what_it_began_and_begins_nothing_else(
    store: Store, clock: Clock, noting: Noting
) -> None:
    everybody = put_down(store, 5)
    alarm = Alarm()
    begun = threading.Barrier(3, action=alarm.stop)

    def handle(subject: str, call: Call) -> None:
        begun.wait(FOREVER)
        noting(subject, call)

    worker = a_worker(store, {TaskKind.ACCOUNT: handle}, clock=clock, threads=2)
    thread = threading.Thread(target=worker.run, args=(alarm,))
    thread.start()
    begun.wait(FOREVER)
    thread.join(FOREVER)
    assert set(noting.counts) == set(everybody[:2])
    assert store.agenda.next_due() == NOW


def test_a_worker_that_is_stopped_waits_for_a_task_within_bounds(store: Store) -> None:
    put_down(store, 1)
    alarm, released = Alarm(), threading.Event()

    def handle(subject: str, call: Call) -> None:
        del subject, call
        alarm.stop()
        released.wait(FOREVER)

    worker = a_worker(
        store,
        {TaskKind.ACCOUNT: handle},
        clock=utc_now,
        patience=timedelta(milliseconds=50),
    )
    with capture_logs() as logs:
        worker.run(alarm)
    released.set()
    assert logs == [{"event": "worker_stops_early", "log_level": "error", "unfinished": 1}]


def test_what_is_due_is_worked_off_once_and_nothing_that_follows(
    store: Store, clock: Clock, noting: Noting
) -> None:
    """A failed task, which is due again a moment later, is left for the next run."""
    everybody = put_down(store, 20)

    def handle(subject: str, call: Call) -> None:
        clock.now += A_MINUTE
        if subject == FIRST:
            raise Conflict("Somebody else is at it.")
        noting(subject, call)

    worker = a_worker(
        store, {TaskKind.ACCOUNT: handle}, clock=clock, threads=3, retry_after=lambda _: A_MINUTE
    )
    worker.work_off(Alarm())
    assert noting.counts == dict.fromkeys(everybody[1:], 1)
    worker.work_off(Alarm())
    assert noting.counts == dict.fromkeys(everybody[1:], 1)


@dataclass
class FailingAgenda:
    """An agenda whose store does not answer for the first times that it is asked."""

    behind: Agenda
    outages: int

    def next_due(self) -> datetime | None:
        if self.outages:
            self.outages -= 1
            raise StoreUnavailable("The store does not answer.")
        return self.behind.next_due()

    def claim(self, **asked: Any) -> tuple[Task, ...]:
        return self.behind.claim(**asked)

    def hasten(self, task: Task, *, at: datetime) -> None:
        self.behind.hasten(task, at=at)


def test_an_outage_of_the_store_is_logged_once_and_waited_for(
    store: Store, clock: Clock, noting: Noting
) -> None:
    put_down(store, 1)
    pauses: list[int] = []

    def outage_pause(outages: int) -> timedelta:
        pauses.append(outages)
        return timedelta(0)

    worker = a_worker(
        store,
        {TaskKind.ACCOUNT: noting},
        clock=clock,
        agenda=FailingAgenda(store.agenda, outages=5),
        outage_pause=outage_pause,
    )
    with capture_logs() as logs, working(worker):
        noting.wait_for(1)
    assert pauses == [1, 2, 3, 4, 5]
    assert logs == [
        {"event": "worker_waits", "log_level": "warning", "code": "store_unavailable"},
        {"event": "worker_goes_on", "log_level": "info", "outages": 5},
    ]


@dataclass
class Tried:
    """A handler that fails as often as it is told, and an observer that counts."""

    to_fail: int
    outcomes: list[str] = field(default_factory=list)

    def __call__(self, subject: str, call: Call) -> None:
        del subject, call
        if self.to_fail:
            self.to_fail -= 1
            raise Conflict("Somebody else is at it.", code="reconciliation_running")


def a_crew(store: Store, clock: Clock, handler: Any, **changes: Any) -> Crew:
    settings = {
        "agenda": store.agenda,
        "handlers": {TaskKind.ACCOUNT: handler},
        "observer": Unobserved(),
        "retry_after": lambda failures: failures * A_MINUTE,
        "clock": clock,
        "threads": 2,
        "alarm": Alarm(),
    }
    return Crew(**{**settings, **changes})


def wait_for_end(crew: Crew) -> None:
    while crew.busy:
        crew.alarm.wait(FOREVER)


def test_a_task_waits_longer_with_each_failure_in_a_row(store: Store, clock: Clock) -> None:
    crew = a_crew(store, clock, Tried(to_fail=3))
    waits: list[timedelta] = []
    put_down(store, 1)
    for _ in range(4):
        store.agenda.claim(now=clock.now, hold=HOLD, limit=1)
        crew.start(TASK)
        wait_for_end(crew)
        due = store.agenda.next_due()
        assert due is not None
        waits.append(due - clock.now)
        clock.now = due
    assert waits == [A_MINUTE, 2 * A_MINUTE, 3 * A_MINUTE, HOLD]


def test_a_failure_after_a_success_counts_anew(store: Store, clock: Clock) -> None:
    handler = Tried(to_fail=2)
    asked: list[int] = []

    def retry_after(failures: int) -> timedelta:
        asked.append(failures)
        return A_MINUTE

    crew = a_crew(store, clock, handler, retry_after=retry_after)
    for _ in range(3):
        crew.start(TASK)
        wait_for_end(crew)
    handler.to_fail = 1
    crew.start(TASK)
    wait_for_end(crew)
    assert asked == [1, 2, 1]


def test_a_task_that_is_stuck_is_logged_and_its_thread_replaced(store: Store, clock: Clock) -> None:
    released = threading.Event()
    calls: list[str] = []

    def handle(subject: str, call: Call) -> None:
        del call
        calls.append(subject)
        released.wait(FOREVER)

    crew = a_crew(store, clock, handle)
    crew.start(TASK)
    with capture_logs() as logs:
        for _ in range(2):
            crew.set_stuck_aside(after=HOLD)
            assert crew.free == 1
            clock.now += HOLD
        clock.now += HOLD
        crew.set_stuck_aside(after=HOLD)
        crew.set_stuck_aside(after=HOLD)
    assert [(log["event"], log["subject"]) for log in logs] == [("task_stuck", FIRST)]
    assert crew.free == 2
    crew.start(TASK)
    released.set()
    crew.alarm.wait(FOREVER)
    assert calls == [FIRST]


def test_a_kind_without_a_handler_fails_like_any_other_error(store: Store, clock: Clock) -> None:
    crew = a_crew(store, clock, Tried(to_fail=0))
    with capture_logs() as logs:
        crew.start(Task(TaskKind.HOOK, "f" * 32))
        wait_for_end(crew)
    assert [log["event"] for log in logs] == ["task_failed"]
    assert store.agenda.next_due() == NOW + A_MINUTE


def test_a_ticket_is_held_for_a_shorter_time_than_an_account(store: Store, clock: Clock) -> None:
    """What ends access must not wait for long because a worker died in the middle of it."""
    put_down(store, 1)
    write(store, a_ticket())
    kinds: set[TaskKind] = set()
    handlers = {
        kind: lambda _, __, kind=kind: kinds.add(kind)
        for kind in (TaskKind.ACCOUNT, TaskKind.TICKET)
    }
    a_worker(store, handlers, clock=clock).work_off(Alarm())
    assert kinds == {TaskKind.ACCOUNT, TaskKind.TICKET}
    assert store.agenda.next_due() == NOW + SHORTER_HOLDS[TaskKind.TICKET]
    store.agenda.conclude(Task(TaskKind.TICKET, a_ticket().ticket_id), next_at=None)
    assert store.agenda.next_due() == NOW + SHORTER_HOLDS[TaskKind.ACCOUNT]
