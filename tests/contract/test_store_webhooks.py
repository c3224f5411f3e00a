"""Cursors and queues of webhooks: compared before they move, and safe to be sent twice."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest

from broker.domain.ledger.entries import BROKER_CHAIN, Chain, chain_of
from broker.domain.ports import Task, TaskKind
from broker.domain.webhooks.delivery import Cursor, Outage, Reach
from broker.errors import StoreUnavailable
from broker.store import Store, open_store
from broker.store.connection import Connection
from tests.contract.store_samples import (
    NOW,
    ONE,
    TWO,
    account_id,
    an_account,
    an_event,
    write,
)

CHAIN, OTHER = chain_of(ONE), chain_of(TWO)
LATER = NOW + timedelta(minutes=1)
HOLD = timedelta(hours=1)
TASK = Task(TaskKind.WEBHOOK, "chat")
FAILING = Cursor(seq=4, failures=3, failing_since=NOW, next_try_at=LATER)


@pytest.fixture
def hinting(store_url: str, store_namespace: str) -> Iterator[Store]:
    """A store whose writes concern two endpoints."""
    with open_store(
        store_url, namespace=store_namespace, concerned=lambda _: ("chat", "siem")
    ) as opened:
        yield opened


def claim(store: Store) -> set[Task]:
    return set(store.agenda.claim(now=NOW, hold=HOLD, limit=10))


@pytest.fixture
def sent_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the first answer to everything got lost."""
    send = Connection.run

    def twice(connection: Connection, operation: Callable[..., object]) -> object:
        send(connection, operation)
        return send(connection, operation)

    monkeypatch.setattr(Connection, "run", twice)


@pytest.mark.parametrize("cursor", [Cursor(seq=4), FAILING])
def test_a_cursor_stands_where_it_was_put(store: Store, cursor: Cursor) -> None:
    """With its failures and times, and only for its endpoint and chain."""
    cursors = store.webhook_cursors
    assert cursors.move("chat", CHAIN, expected=None, to=cursor)
    assert cursors.get("chat", CHAIN) == cursor
    assert cursors.get("chat", OTHER) is None
    assert cursors.get("siem", CHAIN) is None


@pytest.mark.parametrize("expected", [None, Cursor(seq=3), Cursor(seq=4, failures=1)])
def test_a_cursor_that_somebody_else_moved_is_left(store: Store, expected: Cursor | None) -> None:
    """Whoever read another one does not know what has been told since."""
    cursors = store.webhook_cursors
    assert cursors.move("chat", CHAIN, expected=None, to=Cursor(seq=4))
    assert not cursors.move("chat", CHAIN, expected=expected, to=Cursor(seq=5))
    assert cursors.get("chat", CHAIN) == Cursor(seq=4)


def test_a_cursor_starts_once(store: Store) -> None:
    """Whoever starts an endpoint again does not set it back."""
    cursors = store.webhook_cursors
    cursors.start("chat", {CHAIN: 3})
    cursors.start("chat", {CHAIN: 9, BROKER_CHAIN: 0})
    assert cursors.get("chat", CHAIN) == Cursor(seq=3)
    assert cursors.get("chat", BROKER_CHAIN) == Cursor(seq=0)


def test_which_endpoints_have_begun(store: Store) -> None:
    """Each by itself."""
    store.webhook_cursors.begin("chat")
    assert store.webhook_cursors.has_begun("chat")
    assert not store.webhook_cursors.has_begun("siem")


def test_chains_and_cursors_side_by_side(store: Store) -> None:
    """Chains that do not exist end at their beginning."""
    write(store, an_account(ONE))
    store.webhook_cursors.start("chat", {CHAIN: 1})
    assert store.webhook_cursors.reaches("chat", [CHAIN, OTHER]) == {
        CHAIN: Reach(head=1, cursor=Cursor(seq=1)),
        OTHER: Reach(head=0, cursor=None),
    }
    assert store.webhook_cursors.reaches("chat", []) == {}


def test_the_oldest_of_what_is_untold(store: Store) -> None:
    """Over all chains; entries before the cursor do not count."""
    store.journal.record(CHAIN, an_event(), now=NOW)
    store.journal.record(CHAIN, an_event(), now=LATER)
    store.journal.record(OTHER, an_event(), now=LATER + HOLD)
    oldest = store.webhook_cursors.oldest
    assert oldest({CHAIN: 0, OTHER: 0}) == NOW
    assert oldest({CHAIN: 1, OTHER: 0}) == LATER
    assert oldest({CHAIN: 2}) is None
    assert oldest({}) is None


def test_accounts_in_parts(store: Store) -> None:
    """In order, none twice."""
    everybody = [account_id(number) for number in range(5)]
    for each in everybody:
        write(store, an_account(each))
    ids = store.webhook_cursors.account_ids
    assert ids(after=None, limit=2) == everybody[:2]
    assert ids(after=everybody[1], limit=10) == everybody[2:]
    assert ids(after=everybody[-1], limit=10) == []


def test_an_outage_is_remembered_until_it_is_over(store: Store) -> None:
    """For all workers."""
    outage = Outage(failures=2, since=NOW, until=LATER)
    store.webhook_cursors.set_outage("chat", outage)
    assert store.webhook_cursors.outage("chat") == outage
    assert store.webhook_cursors.outage("siem") is None
    store.webhook_cursors.set_outage("chat", None)
    assert store.webhook_cursors.outage("chat") is None


def test_chains_are_taken_in_the_order_in_which_they_are_due(store: Store) -> None:
    """And none before its time."""
    queue = store.webhook_queue
    queue.put("chat", [CHAIN], at=LATER)
    queue.put("chat", [OTHER], at=NOW)
    assert queue.next_due("chat") == NOW
    assert queue.take("siem", now=LATER) is None
    assert queue.take("chat", now=NOW) == OTHER
    assert queue.take("chat", now=NOW) is None
    assert queue.next_due("chat") == LATER
    assert queue.take("chat", now=LATER) == CHAIN
    assert queue.next_due("chat") is None


def test_a_chain_that_is_down_keeps_its_time(store: Store) -> None:
    """Putting it down again neither hastens nor delays it."""
    store.webhook_queue.put("chat", [CHAIN], at=LATER)
    store.webhook_queue.put("chat", [CHAIN], at=NOW)
    store.webhook_queue.put("chat", [CHAIN], at=LATER + HOLD)
    assert store.webhook_queue.next_due("chat") == LATER


def test_a_write_is_hinted_to_everybody_concerned(store: Store, hinting: Store) -> None:
    """Their queues know the chain, and their tasks are due."""
    store.webhook_queue.put("chat", [CHAIN], at=LATER)
    hinting.journal.record(CHAIN, an_event(), now=NOW)
    assert claim(store) == {TASK, Task(TaskKind.WEBHOOK, "siem")}
    assert store.webhook_queue.take("chat", now=NOW) == CHAIN
    assert store.webhook_queue.take("siem", now=NOW) == CHAIN


def test_a_hint_costs_one_round_trip_and_none_where_nobody_is_concerned(
    store: Store, hinting: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many endpoints there are: sessions are opened on this path."""
    send, trips = Connection.run, [0]

    def counted(connection: Connection, operation: Callable[..., object]) -> object:
        trips[0] += 1
        return send(connection, operation)

    monkeypatch.setattr(Connection, "run", counted)
    costs = []
    for each in (store, hinting):
        each.journal.record(CHAIN, an_event(), now=NOW)
        each.journal.record(CHAIN, an_event(), now=NOW)
        trips[0] = 0
        each.journal.record(CHAIN, an_event(), now=NOW)
        costs.append(trips[0])
    assert costs == [1, 2]


def test_a_write_stands_though_its_hint_got_lost(
    hinting: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The entry is written: nobody must be told that it is not."""

    def lost(*_: object, **__: object) -> None:
        raise StoreUnavailable("The store does not answer.")

    monkeypatch.setattr("broker.store.webhook_queue.WebhookQueue.hint", lost)
    (entry,) = hinting.journal.record(CHAIN, an_event(), now=NOW)
    assert hinting.journal.head(CHAIN).seq == entry.seq


def test_a_task_without_a_record_is_concluded(store: Store) -> None:
    """For ever, or until its next time."""
    store.agenda.hasten(TASK, at=NOW)
    assert claim(store) == {TASK}
    store.agenda.conclude(TASK, next_at=LATER)
    assert store.agenda.next_due() == LATER
    store.agenda.conclude(TASK, next_at=None)
    assert store.agenda.next_due() is None


@pytest.mark.parametrize("next_at", [None, LATER])
def test_who_hastened_a_task_while_it_was_worked_on_is_heard(store: Store, next_at: object) -> None:
    """What they want to be seen may not have been there when the turn looked."""
    store.agenda.hasten(TASK, at=NOW)
    claim(store)
    store.agenda.hasten(TASK, at=NOW)
    store.agenda.conclude(TASK, next_at=next_at)  # type: ignore[arg-type]
    assert claim(store) == {TASK}


@pytest.mark.usefixtures("sent_twice")
def test_whatever_is_sent_twice_happens_once(store: Store, hinting: Store) -> None:
    """Answers get lost, and then the command is simply sent again."""
    cursors, queue = store.webhook_cursors, store.webhook_queue
    hinting.journal.record(CHAIN, an_event(), now=NOW)
    queue.put("chat", [OTHER], at=LATER)
    taken: list[Chain | None] = [queue.take("chat", now=LATER) for _ in range(3)]
    assert taken == [CHAIN, OTHER, None]
    assert cursors.move("chat", CHAIN, expected=None, to=Cursor(seq=1))
    assert cursors.move("chat", CHAIN, expected=Cursor(seq=1), to=FAILING)
    assert cursors.get("chat", CHAIN) == FAILING
    assert claim(store) == {TASK, Task(TaskKind.WEBHOOK, "siem")}
