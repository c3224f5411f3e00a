"""The agenda: tasks come when they are due, to one worker at a time, and none is ever lost."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import datetime, timedelta
from itertools import chain

import pytest

from broker.domain.ports import Save, Task, TaskKind
from broker.errors import Conflict, DependencyUnavailable
from broker.store import Store, open_store
from tests.contract.store_samples import (
    NOW,
    ONE,
    TWO,
    a_hook,
    a_namespace,
    a_session,
    account_id,
    an_account,
    an_api_token,
    write,
)
from tests.contract.store_servers import PERSISTENT, on_socket, redis_server_binary

HOLD = timedelta(minutes=15)
SOON = NOW + timedelta(minutes=5)
LATER = NOW + timedelta(hours=6)
A_TICK = timedelta(milliseconds=1)

TASK = Task(TaskKind.ACCOUNT, ONE)


def claim(store: Store, *, now: datetime = NOW, limit: int = 100) -> tuple[Task, ...]:
    return store.agenda.claim(now=now, hold=HOLD, limit=limit)


def test_nothing_is_due_on_an_empty_agenda(store: Store) -> None:
    assert claim(store) == ()
    assert store.agenda.next_due() is None


def test_a_saved_account_is_due_at_its_next_check_and_not_before(store: Store) -> None:
    write(store, an_account(next_check_at=SOON))
    assert store.agenda.next_due() == SOON
    assert claim(store, now=SOON - A_TICK) == ()
    assert claim(store, now=SOON) == (TASK,)


def test_a_saved_hook_is_due_at_its_next_try(store: Store) -> None:
    hook = a_hook(next_try_at=SOON)
    write(store, hook)
    assert claim(store, now=SOON) == (Task(TaskKind.HOOK, hook.hook_id),)


def test_a_session_is_due_once_it_was_revoked_and_until_it_is_refused(store: Store) -> None:
    write(store, a_session(next_probe_at=SOON))
    assert store.agenda.next_due() is None
    write(store, a_session(next_probe_at=SOON), expected=1)
    assert claim(store, now=SOON) == (Task(TaskKind.SESSION, a_session().session_id),)
    write(store, a_session(refused_at=SOON), expected=2)
    assert store.agenda.next_due() is None


def test_other_records_are_no_tasks(store: Store) -> None:
    write(store, an_api_token())
    assert store.agenda.next_due() is None


def test_a_save_moves_its_task_to_an_earlier_and_to_a_later_time(store: Store) -> None:
    write(store, an_account(next_check_at=SOON))
    write(store, an_account(next_check_at=NOW), expected=1)
    assert store.agenda.next_due() == NOW
    write(store, an_account(next_check_at=LATER), expected=2)
    assert store.agenda.next_due() == LATER


def test_a_save_without_a_next_time_removes_its_task(store: Store) -> None:
    hook = a_hook(next_try_at=NOW)
    write(store, an_account(next_check_at=NOW))
    write(store, hook)
    write(store, an_account(next_check_at=None), expected=1)
    assert claim(store) == (Task(TaskKind.HOOK, hook.hook_id),)
    write(store, a_hook(next_try_at=None), expected=1)
    assert store.agenda.next_due() is None


def test_the_longest_due_come_first_and_no_more_than_asked_for(store: Store) -> None:
    for number in (3, 1, 2):
        due = NOW - timedelta(minutes=number)
        write(store, an_account(account_id(number), next_check_at=due))
    assert [task.subject for task in claim(store, limit=2)] == [account_id(3), account_id(2)]
    assert [task.subject for task in claim(store, limit=2)] == [account_id(1)]


def test_a_claimed_task_comes_again_after_the_hold_and_not_before(store: Store) -> None:
    write(store, an_account(next_check_at=NOW))
    assert claim(store) == (TASK,)
    assert store.agenda.next_due() == NOW + HOLD
    assert claim(store, now=NOW + HOLD - A_TICK) == ()
    assert claim(store, now=NOW + HOLD) == (TASK,)


def test_what_a_worker_saves_ends_the_hold(store: Store) -> None:
    write(store, an_account(next_check_at=NOW))
    claim(store)
    write(store, an_account(next_check_at=SOON), expected=1)
    assert claim(store, now=SOON) == (TASK,)


@pytest.fixture
def workers(store_url: str, store_namespace: str) -> Iterator[list[Store]]:
    with ExitStack() as stack:
        yield [
            stack.enter_context(open_store(store_url, namespace=store_namespace)) for _ in range(4)
        ]


def test_of_many_workers_one_gets_each_task(store: Store, workers: list[Store]) -> None:
    ids = [account_id(number) for number in range(100)]
    for each in ids:
        write(store, an_account(each, next_check_at=NOW))

    def all_of(worker: Store) -> list[str]:
        mine: list[str] = []
        while tasks := claim(worker, limit=3):
            mine += [task.subject for task in tasks]
        return mine

    with ThreadPoolExecutor(len(workers)) as pool:
        claimed = list(pool.map(all_of, workers))
    assert sorted(chain.from_iterable(claimed)) == ids


def test_hasten_puts_a_task_down_for_an_earlier_time_only(store: Store) -> None:
    write(store, an_account(next_check_at=LATER))
    store.agenda.hasten(TASK, at=SOON)
    assert store.agenda.next_due() == SOON
    store.agenda.hasten(TASK, at=LATER)
    assert store.agenda.next_due() == SOON


def test_hasten_puts_down_what_was_not_down(store: Store) -> None:
    write(store, an_account(next_check_at=None))
    store.agenda.hasten(TASK, at=NOW)
    assert claim(store) == (TASK,)


def test_a_task_hastened_while_it_is_worked_on_comes_again(store: Store) -> None:
    """The pass that is under way may have looked before the thing it was hastened for."""
    write(store, an_account(next_check_at=NOW))
    claim(store)
    store.agenda.hasten(TASK, at=SOON)
    write(store, an_account(next_check_at=LATER), expected=1)
    assert claim(store, now=SOON) == (TASK,)
    write(store, an_account(next_check_at=LATER), expected=2)
    assert store.agenda.next_due() == LATER


# A save is announced, written and settled. What follows happens between the three.


def announce(store: Store, save: Save) -> None:
    store.journal._announcements.announce(save, now=NOW)


def settle(store: Store, save: Save) -> None:
    store.journal._announcements.settle([save], now=NOW)


def write_unsettled(store: Store, save: Save, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as crash:
        crash.setattr(store.journal._announcements, "settle", lambda *_, **__: None)
        write(store, save.record, expected=save.expected)


@pytest.mark.parametrize("following", [LATER, None])
def test_a_crash_before_the_write_keeps_the_earlier_time(
    store: Store, following: datetime | None
) -> None:
    write(store, an_account(next_check_at=NOW))
    announce(store, Save(an_account(next_check_at=following), 1))
    assert claim(store) == (TASK,)


def test_a_crash_before_the_write_may_leave_a_time_too_early(store: Store) -> None:
    write(store, an_account(next_check_at=LATER))
    announce(store, Save(an_account(next_check_at=NOW), 1))
    assert claim(store) == (TASK,)
    write(store, an_account(next_check_at=LATER), expected=1)
    assert store.agenda.next_due() == LATER


@pytest.mark.parametrize("first", [SOON, LATER, None])
@pytest.mark.parametrize("second", [SOON, LATER])
def test_a_crash_after_the_write_never_leaves_a_time_too_late(
    store: Store, first: datetime | None, second: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(store, an_account(next_check_at=first))
    write_unsettled(store, Save(an_account(next_check_at=second), 1), monkeypatch)
    assert claim(store, now=second) == (TASK,)
    write(store, an_account(next_check_at=None), expected=2)
    assert store.agenda.next_due() is None


def test_a_late_settlement_does_not_hide_a_write_that_followed(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = (
        Save(an_account(next_check_at=LATER), 0),
        Save(an_account(next_check_at=NOW), 1),
    )
    write_unsettled(store, first, monkeypatch)
    write(store, second.record, expected=second.expected)
    settle(store, first)
    assert store.agenda.next_due() == NOW


def test_a_late_settlement_does_not_hide_a_write_that_is_under_way(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = (
        Save(an_account(next_check_at=LATER), 0),
        Save(an_account(next_check_at=NOW), 1),
    )
    write_unsettled(store, first, monkeypatch)
    announce(store, second)
    settle(store, first)
    write_unsettled(store, second, monkeypatch)
    assert claim(store) == (TASK,)


def test_the_loser_of_two_writes_does_not_keep_the_winner_from_settling(store: Store) -> None:
    write(store, an_account(next_check_at=NOW))
    announce(store, Save(an_account(next_check_at=NOW), 1))
    write(store, an_account(next_check_at=None), expected=1)
    assert store.agenda.next_due() is None


def test_a_refused_write_moves_no_task_to_a_later_time(store: Store) -> None:
    write(store, an_account(next_check_at=SOON))
    write(store, an_account(next_check_at=SOON), expected=1)
    with pytest.raises(Conflict):
        write(store, an_account(next_check_at=LATER), expected=1)
    assert store.agenda.next_due() == SOON


def test_a_settlement_that_is_sent_twice_frees_no_claimed_task(store: Store) -> None:
    save = Save(an_account(next_check_at=NOW), 0)
    write(store, save.record)
    assert claim(store) == (TASK,)
    settle(store, save)
    assert claim(store) == ()


def test_a_claim_that_is_sent_twice_gets_the_same_tasks(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(store, an_account(ONE, next_check_at=NOW))
    monkeypatch.setattr("broker.store.agenda.secrets.token_hex", lambda _: "mark")
    assert claim(store) == (TASK,)
    write(store, an_account(TWO, next_check_at=NOW))
    assert claim(store) == (TASK,)


def test_a_write_counts_when_the_server_goes_before_it_is_settled(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    binary, folder = redis_server_binary(), tmp_path_factory.mktemp("gone")
    with (
        on_socket(folder, binary=binary, options=PERSISTENT) as server,
        open_store(server.url, namespace=a_namespace()) as store,
    ):
        settled = store.journal._announcements.settle

        def without_server(saves: list[Save], now: datetime) -> None:
            server.kill()
            settled(saves, now=now)

        monkeypatch.setattr(store.journal._announcements, "settle", without_server)
        write(store, an_account(next_check_at=NOW))
        with pytest.raises(DependencyUnavailable):
            claim(store)
