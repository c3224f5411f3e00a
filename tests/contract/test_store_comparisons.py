"""Whenever a ticket or a grant for it is written, the worker gets to compare the two."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from broker.domain.ports import Record, Save, Task, TaskKind
from broker.store import Store
from broker.store.announcements import WRITTEN_WITHIN
from tests.contract.store_samples import NOW, a_grant, a_session, a_ticket, an_account, write

HOLD = timedelta(minutes=10)
SHORT = timedelta(seconds=30)
SOON = NOW + timedelta(seconds=20)
A_TICK = timedelta(milliseconds=1)
TASK = Task(TaskKind.TICKET, a_ticket().ticket_id)


def claim(store: Store, *, now: datetime = NOW) -> tuple[Task, ...]:
    return store.agenda.claim(now=now, hold=HOLD, limit=10, holds={TaskKind.TICKET: SHORT})


@pytest.fixture(params=[a_ticket, a_grant], ids=["ticket", "grant"])
def record(request: pytest.FixtureRequest) -> Record:
    make: Callable[[], Record] = request.param
    return make()


def test_a_write_is_followed_by_a_comparison_at_once(store: Store, record: Record) -> None:
    write(store, record)
    assert claim(store) == (TASK,)
    store.agenda.conclude(TASK, next_at=None)
    assert store.agenda.next_due() is None
    write(store, record, expected=1)
    assert claim(store) == (TASK,)


def test_other_writes_are_not(store: Store) -> None:
    write(store, an_account(), a_session())
    assert store.agenda.next_due() is None


def test_a_crash_after_the_write_only_delays_it(
    store: Store, record: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store.journal._announcements, "settle", lambda *_, **__: None)
    write(store, record)
    assert claim(store, now=NOW + WRITTEN_WITHIN - A_TICK) == ()
    assert claim(store, now=NOW + WRITTEN_WITHIN) == (TASK,)


def test_what_is_written_during_a_comparison_leads_to_another_one(
    store: Store, record: Record
) -> None:
    """It may have looked before; what it concludes must not hide what came after."""
    write(store, a_ticket(2))
    write(store, record)
    assert TASK in claim(store)
    write(store, record, expected=1)
    store.agenda.conclude(TASK, next_at=None)
    assert claim(store) == (TASK,)


def test_what_is_announced_during_a_comparison_leads_to_another_one(
    store: Store, record: Record
) -> None:
    """Even where the writer dies right after its write."""
    write(store, record)
    claim(store)
    store.journal._announcements.announce(Save(record, 1), now=NOW)
    store.agenda.conclude(TASK, next_at=None)
    assert claim(store, now=NOW + WRITTEN_WITHIN) == (TASK,)


def test_it_is_concluded_until_its_next_time(store: Store) -> None:
    write(store, a_ticket())
    claim(store)
    store.agenda.conclude(TASK, next_at=SOON)
    assert store.agenda.next_due() == SOON


def test_a_worker_that_dies_delays_it_by_its_own_hold_only(store: Store) -> None:
    """Other kinds of tasks, claimed in the same step, are held for as long as before."""
    write(store, an_account(next_check_at=NOW))
    write(store, a_ticket())
    assert len(claim(store)) == 2
    assert claim(store, now=NOW + SHORT - A_TICK) == ()
    assert claim(store, now=NOW + SHORT) == (TASK,)
    store.agenda.conclude(TASK, next_at=None)
    assert store.agenda.next_due() == NOW + HOLD
