"""An endpoint is told what stands in the ledger: in order, at least once, and signed."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from broker.domain.ledger.entries import BROKER_CHAIN, LedgerAction, Outcome, chain_of
from broker.domain.webhooks.delivery import PATIENCE, Verdict
from broker.services.background.crew import call_of_worker
from broker.services.webhooks.delivery import SOON
from tests.contract.store_samples import NOW, ONE, TWO
from tests.integration.webhooks.receiver import Receiver
from tests.integration.webhooks.world import (
    A_MINUTE,
    A_SECOND,
    NOTHING_TO_TELL,
    SECRET,
    Clock,
    World,
    a_world,
    an_endpoint,
    an_event,
)


def test_what_is_written_is_told_with_its_place_in_the_ledger(
    world: World, receiver: Receiver
) -> None:
    """The receiver can look every event up, and none of our secrets travels."""
    (entry,) = world.record(an_event(engineer="jane@vendor.example"))
    world.deliver()
    (received,) = receiver.received
    assert received.event == {
        "id": f"{ONE}-{entry.seq}",
        "type": "grant.requested",
        "occurred_at": entry.at,
        "account_id": ONE,
        "actor": "jane@vendor.example",
        "outcome": "done",
        "reason": "to look",
        "ids": {"ticket": "T-1042"},
        "details": {"engineer": "jane@vendor.example"},
        "ledger": {"chain": ONE, "seq": entry.seq, "hash": entry.hash},
        "urgent": False,
        "text": (
            f"Access requested (done): account {ONE}, ticket T-1042, for jane@vendor.example, "
            "by jane@vendor.example."
        ),
    }
    assert received.target == "/hook?key=canary-in-the-url"
    assert received.headers["content-type"] == "application/json"
    assert received.headers["webhook-id"] == f"{ONE}-{entry.seq}"
    assert received.headers["webhook-timestamp"] == str(int(NOW.timestamp()))
    sent = received.body.decode() + str(received.headers)
    assert SECRET.reveal() not in sent
    assert SECRET.key.decode() not in sent


def test_a_write_hastens_the_endpoint_and_a_turn_settles_it(world: World) -> None:
    """Nobody has to look for what nobody wrote."""
    assert world.due_tasks() == set()
    world.record()
    (task,) = world.due_tasks()
    assert task.subject == "chat"
    world.deliver()
    assert world.store.webhook_queue.next_due("chat") is None
    assert world.due_tasks() == set()


def test_what_is_told_to_nobody_costs_nothing(world: World, receiver: Receiver) -> None:
    """No hint, no delivery; the next sweep reads over it."""
    world.record(an_event(NOTHING_TO_TELL), an_event(LedgerAction.SESSION_OPENED, Outcome.INTENDED))
    assert world.due_tasks() == set()
    world.sweep()
    world.deliver()
    assert receiver.received == []
    cursor = world.store.webhook_cursors.get("chat", chain_of(ONE))
    assert cursor is not None
    assert cursor.seq == world.store.journal.head(chain_of(ONE)).seq


def test_events_of_a_chain_come_in_order_though_some_fail(
    world: World, receiver: Receiver, clock: Clock
) -> None:
    """The second never overtakes the first; what was accepted is not sent again."""
    entries = [*world.record(), *world.record(), *world.record()]
    receiver.answer_next(204, 500)
    world.deliver()
    clock.move(A_MINUTE)
    world.deliver()
    first, second, third = (f"{ONE}-{entry.seq}" for entry in entries)
    assert receiver.ids == [first, second, second, third]
    assert receiver.received[1].body == receiver.received[2].body
    timestamps = [int(each.headers["webhook-timestamp"]) for each in receiver.received]
    assert [timestamp - timestamps[0] for timestamp in timestamps] == [0, 0, 60, 60]


def test_many_entries_of_many_chains(world: World, receiver: Receiver) -> None:
    """More than is read at once, and what nobody is told in between."""
    for of in (ONE, TWO):
        for _ in range(60):
            world.record(an_event(), an_event(NOTHING_TO_TELL), of=of)
    world.deliver()
    for of in (ONE, TWO):
        told = [each for each in receiver.ids if each.startswith(of)]
        assert told == [f"{of}-{seq}" for seq in range(2, 122, 2)]


@pytest.mark.parametrize("status", [400, 401, 404, 410, 301, 307])
def test_a_refusal_is_tried_for_a_quarter_of_an_hour_and_given_up(
    status: int, world: World, receiver: Receiver, clock: Clock
) -> None:
    """It may be a deployment that went wrong; and then what follows has its turn."""
    refused, other = [*world.record(), *world.record()]
    receiver.always = status
    world.deliver()
    assert receiver.ids == [f"{ONE}-{refused.seq}"]
    clock.move(PATIENCE[Verdict.REFUSED] - A_MINUTE)
    world.deliver()
    assert world.given_up() == []
    receiver.answer_next(status, 200)
    clock.move(10 * A_MINUTE)
    world.deliver()
    (given_up,) = world.given_up()
    assert given_up.reason == "refused"
    assert given_up.ids["event"] == f"{ONE}-{refused.seq}"
    assert given_up.ids["endpoint"] == "chat"
    assert given_up.details["type"] == "grant.requested"
    assert given_up.details["status"] == status
    assert receiver.ids[-1] == f"{ONE}-{other.seq}"
    assert world.observer.told == [
        ("chat", outcome) for outcome in ("failed", "failed", "failed", "given_up", "delivered")
    ]


def test_one_broken_event_holds_up_its_own_chain_only(
    world: World, receiver: Receiver, clock: Clock
) -> None:
    """For a day at most, and with growing pauses."""
    (broken,) = world.record(of=ONE)
    receiver.answer_next(500)
    world.deliver()
    (other,) = world.record(of=TWO)
    world.deliver()
    assert receiver.ids == [f"{ONE}-{broken.seq}", f"{TWO}-{other.seq}"]
    assert world.store.webhook_queue.next_due("chat") == NOW + A_MINUTE
    assert world.due_tasks() == set()
    clock.move(A_MINUTE)
    assert {task.subject for task in world.due_tasks()} == {"chat"}
    receiver.answer_next(500)
    world.deliver()
    assert world.store.webhook_queue.next_due("chat") == clock() + 2 * A_MINUTE
    clock.move(PATIENCE[Verdict.FAILED])
    receiver.answer_next(500)
    world.deliver()
    (given_up,) = world.given_up()
    assert (given_up.reason, given_up.ids["event"]) == ("failed", f"{ONE}-{broken.seq}")


@pytest.mark.parametrize("status", [404, 500, 503])
def test_an_event_that_waited_for_a_worker_gets_its_own_time(
    status: int, world: World, receiver: Receiver, clock: Clock
) -> None:
    """It was not the receiver who kept it waiting."""
    world.record()
    clock.move(timedelta(days=2))
    receiver.answer_next(status)
    world.deliver()
    assert world.given_up() == []


def test_a_hint_does_not_shorten_a_pause(world: World, receiver: Receiver) -> None:
    """A busy account does not hammer a receiver that is broken."""
    world.record()
    receiver.always = 500
    world.deliver()
    world.record()
    world.deliver()
    assert len(receiver.received) == 1
    assert world.store.webhook_queue.next_due("chat") == NOW + A_MINUTE


def test_an_endpoint_that_takes_nothing_is_left_alone(
    world: World, receiver: Receiver, clock: Clock
) -> None:
    """One chain tries again, whatever becomes due in the others; then all follow."""
    world.record(of=ONE)
    world.record(of=TWO)
    receiver.answer_next(503, 503)
    world.deliver()
    world.record(of=TWO)
    world.deliver()
    assert len(receiver.received) == 1
    outage = world.store.webhook_cursors.outage("chat")
    assert outage is not None
    assert (outage.since, outage.until) == (NOW, NOW + A_MINUTE)
    clock.move(A_MINUTE)
    world.deliver()
    assert len(receiver.received) == 2
    assert world.store.agenda.next_due() == clock() + 2 * A_MINUTE
    assert world.store.webhook_queue.next_due("chat") == NOW, "the other chain was not touched"
    clock.move(2 * A_MINUTE)
    world.deliver()
    assert world.store.webhook_cursors.outage("chat") is None
    assert sorted(receiver.ids[2:]) == [f"{ONE}-2", f"{TWO}-2", f"{TWO}-3"]


@pytest.mark.parametrize("status", [204, 500, 404])
def test_an_outage_ends_with_the_first_answer_that_is_about_an_event(
    status: int, world: World, receiver: Receiver, clock: Clock
) -> None:
    """The next one counts anew, from its own beginning."""
    for of in (ONE, TWO):
        world.record(of=of)
    receiver.answer_next(503, status, 503)
    world.deliver()
    clock.move(A_MINUTE)
    world.deliver()
    outage = world.store.webhook_cursors.outage("chat")
    assert outage is not None
    assert (outage.failures, outage.since) == (1, clock())


def test_a_turn_ends_though_there_is_more_to_tell(
    url: str, receiver: Receiver, clock: Clock
) -> None:
    """Others have the thread then; the rest follows, and nothing twice."""

    def time_passes() -> datetime:
        clock.move(A_SECOND)
        return clock.now

    world = a_world(url, time_passes, an_endpoint(receiver.url))
    with world.store:
        world.register(ONE)
        world.sweep()
        told = [f"{ONE}-{entry.seq}" for _ in range(20) for entry in world.record()]
        world.deliver()
        first_turn = len(receiver.received)
        assert 0 < first_turn < 20
        due = world.store.agenda.next_due()
        assert due is not None
        assert due <= clock()
        for _ in range(20 // first_turn + 1):
            world.deliver()
        assert receiver.ids == told


@pytest.mark.parametrize("status", [429, 503])
def test_a_receiver_may_ask_for_more_time(status: int, world: World, receiver: Receiver) -> None:
    """Retry-After counts where it is longer than our own pause, up to an hour."""
    world.record()
    receiver.answer_next(status, headers={"Retry-After": "120"})
    world.deliver()
    outage = world.store.webhook_cursors.outage("chat")
    assert outage is not None
    assert outage.until == NOW + 2 * A_MINUTE


def test_after_a_day_out_of_reach_old_events_are_given_up_in_every_chain(
    world: World, receiver: Receiver, clock: Clock
) -> None:
    """What happened less than a day ago still gets its own time."""
    world.record(of=ONE)
    world.record(an_event(), an_event(), of=TWO)
    receiver.always = 503
    world.deliver()
    clock.move(PATIENCE[Verdict.UNAVAILABLE] - timedelta(hours=1))
    (young,) = world.record(of=ONE)
    world.deliver()
    assert [*world.given_up(ONE), *world.given_up(TWO)] == []
    clock.move(timedelta(hours=1))
    world.deliver()
    assert [entry.reason for entry in world.given_up(ONE)] == ["unavailable"]
    assert [entry.ids["event"] for entry in world.given_up(TWO)] == [f"{TWO}-2", f"{TWO}-3"]
    assert len(receiver.received) == 3
    receiver.always = 200
    clock.move(timedelta(hours=2))
    world.deliver()
    assert receiver.ids[3:] == [f"{ONE}-{young.seq}"]


def test_what_went_into_the_archive_is_passed_over_and_said(
    world: World, receiver: Receiver
) -> None:
    """The chain goes on at the first entry that is left."""
    entries = [*world.record(), *world.record(), *world.record()]
    archived = an_event(LedgerAction.LEDGER_ARCHIVED)
    world.store.journal.archive(chain_of(ONE), archived, through=entries[1].seq, now=NOW)
    world.deliver()
    assert receiver.ids == [f"{ONE}-{entries[2].seq}"]
    (said,) = world.given_up()
    assert (said.reason, said.ids["event"]) == ("archived", f"{ONE}-{entries[0].seq}")
    assert said.details["entries"] == 2


def test_the_brokers_own_chain_is_told_to_who_hears_of_all(
    world: World, receiver: Receiver
) -> None:
    """A ticket that ended concerns several accounts, so it stands there."""
    world.record(an_event(LedgerAction.TICKET_ENDED), of=BROKER_CHAIN)
    world.deliver()
    (received,) = receiver.received
    assert received.event["account_id"] is None
    assert received.event["type"] == "ticket.ended"


def test_an_endpoint_that_is_not_configured_any_more(world: World) -> None:
    """Its task goes, its place stays: it may be that only this worker does not know it yet."""
    world.record()
    world.endpoints = type(world.endpoints)()
    assert {task.subject for task in world.due_tasks()} == {"chat"}
    world.deliver()
    assert world.store.webhook_cursors.get("chat", chain_of(ONE)) is not None
    assert world.store.webhook_queue.next_due("chat") is not None


def test_without_a_free_place_an_endpoint_waits_a_moment(world: World, receiver: Receiver) -> None:
    """Half of a worker's threads are for other work."""
    world.places = 1
    delivery = world.delivery
    world.record()
    world.due_tasks()
    delivery.places.acquire()
    delivery("chat", call_of_worker())
    assert receiver.received == []
    assert world.store.agenda.next_due() == NOW + SOON
    delivery.places.release()
    delivery("chat", call_of_worker())
    assert len(receiver.received) == 1
