"""Workers that tell at the same time, hang, are overtaken, or are killed in the middle."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from structlog.testing import capture_logs

from broker.domain.ledger.entries import chain_of
from broker.domain.ports import TaskKind
from broker.domain.webhooks.delivery import Cursor
from broker.services.ambient import utc_now
from broker.services.webhooks.delivery import SOON
from broker.services.webhooks.sweep import SWEEP
from tests.contract.store_samples import NOW, ONE, account_id
from tests.contract.store_servers import until
from tests.integration.background.workers import FOREVER, a_worker, save_account, working
from tests.integration.webhooks.receiver import Receiver, receiving
from tests.integration.webhooks.worker_process import start_turn
from tests.integration.webhooks.world import (
    World,
    a_world,
    an_endpoint,
    record_unhinted,
)

LEASE = timedelta(milliseconds=300)


@contextmanager
def a_turn_in_between(world: World, receiver: Receiver) -> Iterator[None]:
    """The block runs while the receiver has an event and has not answered yet."""
    receiver.silent = True
    turn = threading.Thread(target=world.deliver)
    turn.start()
    receiver.wait_for(1)
    try:
        yield
    finally:
        receiver.speak()
        turn.join(FOREVER)


def test_two_workers_tell_each_event_once_and_in_order(url: str, receiver: Receiver) -> None:
    """Each has handlers for all that is due, on a store that both write to."""
    accounts = [account_id(number) for number in range(1, 5)]
    first = a_world(url, utc_now, an_endpoint(receiver.url))
    second = a_world(url, utc_now, an_endpoint(receiver.url))
    with first.store, second.store:
        first.register(*accounts)
        first.sweep()
        workers = [
            a_worker(world.store, {TaskKind.WEBHOOK: world.delivery}, clock=utc_now)
            for world in (first, second)
        ]
        with working(*workers):
            for _ in range(15):
                for each, world in zip(accounts, (first, second, first, second), strict=True):
                    world.record(of=each)
            receiver.wait_for(60)
    for each in accounts:
        told = [event_id for event_id in receiver.ids if event_id.startswith(each)]
        assert told == [f"{each}-{seq}" for seq in range(2, 17)]


def test_an_endpoint_that_hangs_delays_nobody(url: str, receiver: Receiver) -> None:
    """Of two threads it holds one; another endpoint and other work have the other."""
    with receiving() as hanging:
        hanging.silent = True
        world = a_world(
            url,
            utc_now,
            an_endpoint(hanging.url, name="hangs"),
            an_endpoint(receiver.url, name="healthy"),
            places=2,
        )
        reconciled = threading.Event()
        handlers = {
            TaskKind.WEBHOOK: world.delivery,
            TaskKind.ACCOUNT: lambda *_: reconciled.set(),
        }
        with world.store, working(a_worker(world.store, handlers, clock=utc_now, threads=2)):
            world.register(ONE)
            world.sweep()
            world.record()
            hanging.wait_for(1)
            receiver.wait_for(1)
            world.record()
            receiver.wait_for(2)
            save_account(world.store, 2, due=NOW, expected=0)
            assert reconciled.wait(FOREVER)
            assert len(hanging.received) == 1


def test_a_second_turn_leaves_the_endpoint_to_the_first(world: World, receiver: Receiver) -> None:
    """Nothing is sent twice, and what was written meanwhile is not forgotten."""
    world.record()
    with a_turn_in_between(world, receiver):
        world.record()
        world.deliver()
        assert len(receiver.received) == 1
        assert world.store.agenda.next_due() == NOW + SOON
    assert receiver.ids == [f"{ONE}-2", f"{ONE}-3"]
    assert world.store.agenda.next_due() == NOW + SOON


def test_who_was_overtaken_does_not_move_the_cursor_back(world: World, receiver: Receiver) -> None:
    """A turn that outlived its lease leaves the chain to its successor."""
    world.record()
    world.record()
    ahead = Cursor(seq=3)
    with capture_logs() as logs, a_turn_in_between(world, receiver):
        cursors = world.store.webhook_cursors
        assert cursors.move("chat", chain_of(ONE), expected=Cursor(seq=1), to=ahead)
    assert world.store.webhook_cursors.get("chat", chain_of(ONE)) == ahead
    assert receiver.ids == [f"{ONE}-2"]
    assert [log["event"] for log in logs] == ["webhook_overtaken"]


def test_a_worker_killed_between_the_delivery_and_its_cursor(url: str, receiver: Receiver) -> None:
    """The event comes again, with the same id and body, so that the receiver can drop it."""
    world = a_world(url, utc_now, an_endpoint(receiver.url))
    with world.store:
        world.register(ONE)
        world.sweep()
        entry = record_unhinted(url)
        world.sweep()
        receiver.silent = True
        process = start_turn(url, receiver.url, held_for=LEASE)
        receiver.wait_for(1)
        process.kill()
        process.wait()
        receiver.speak()
        world.sweep()

        def told_again() -> bool:
            world.deliver()
            return len(receiver.received) > 1

        until(told_again)
        world.sweep()
        world.deliver()
    first, second = receiver.received
    assert first.id == second.id == f"{ONE}-{entry.seq}"
    assert first.body == second.body


def test_a_worker_puts_the_sweep_down_by_itself(url: str, receiver: Receiver) -> None:
    """Once it has begun, whatever was down before; then it comes round."""
    world = a_world(url, utc_now, an_endpoint(receiver.url))
    with world.store:
        world.register(ONE)
        world.sweep()
        entry = record_unhinted(url)
        handlers = {TaskKind.WEBHOOK: world.delivery, TaskKind.WEBHOOK_SWEEP: world.sweeping}
        with working(a_worker(world.store, handlers, clock=utc_now, standing=[SWEEP])):
            receiver.wait_for(1)
    assert receiver.ids == [f"{ONE}-{entry.seq}"]
