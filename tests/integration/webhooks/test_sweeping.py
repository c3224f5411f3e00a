"""Nothing depends on a hint: comparing heads with cursors finds whatever there is to tell."""

from __future__ import annotations

from datetime import datetime

from broker.domain.ledger.entries import BROKER_CHAIN, LedgerAction, chain_of
from broker.domain.ports import Task, TaskKind
from broker.services.webhooks.sweep import EVERY, SWEEP
from broker.store import open_store
from tests.contract.store_samples import NOW, ONE, TWO, account_id
from tests.integration.webhooks.receiver import Receiver
from tests.integration.webhooks.world import (
    A_MINUTE,
    EVERYTHING,
    NOTHING_TO_TELL,
    Clock,
    World,
    a_world,
    an_endpoint,
    an_event,
    record_unhinted,
)

THREE = account_id(3)
TASK = Task(TaskKind.WEBHOOK, "chat")


def test_an_entry_whose_hint_was_lost(world: World, url: str, receiver: Receiver) -> None:
    """Its writer died, or did not know of any webhook."""
    entry = record_unhinted(url)
    assert world.due_tasks() == set()
    world.sweep()
    assert world.due_tasks() == {TASK}
    world.deliver()
    assert receiver.ids == [f"{ONE}-{entry.seq}"]
    world.sweep()
    assert world.due_tasks() == set()


def test_an_entry_of_the_brokers_own_chain_is_found_too(
    world: World, url: str, receiver: Receiver
) -> None:
    """It stands in no list of accounts."""
    with open_store(url) as unhinted:
        (entry,) = unhinted.journal.record(BROKER_CHAIN, an_event(), now=NOW)
    world.sweep()
    world.deliver()
    assert receiver.ids == [f"broker-{entry.seq}"]


def test_sweeps_come_round_by_themselves(world: World, clock: Clock) -> None:
    """Each puts the next one down."""
    world.store.agenda.hasten(SWEEP, at=clock())
    world.store.agenda.claim(now=clock(), hold=100 * EVERY, limit=10)
    world.sweep()
    assert world.store.agenda.next_due() == NOW + EVERY


def test_a_new_endpoint_starts_at_the_present_end(
    world: World, url: str, clock: Clock, receiver: Receiver
) -> None:
    """What happened before is nobody's news; what happens from then on is."""
    world.record()
    world.record(an_event(LedgerAction.TICKET_ENDED), of=BROKER_CHAIN)
    late = a_world(url, clock, an_endpoint(receiver.url, name="late"))
    with late.store:
        late.sweep()
        late.deliver("late")
        assert receiver.received == []
        (entry,) = late.record()
        late.deliver("late")
        assert receiver.ids == [f"{ONE}-{entry.seq}"]


def test_an_account_that_is_younger_than_the_endpoint_is_told_from_its_first_entry(
    world: World, receiver: Receiver
) -> None:
    """Even where its first entries come before the next sweep."""
    world.register(THREE)
    (entry,) = world.record(of=THREE)
    world.deliver()
    assert receiver.ids == [f"{THREE}-{entry.seq}"]


def test_an_account_that_is_younger_is_found_without_a_hint(
    world: World, url: str, receiver: Receiver
) -> None:
    """The sweep takes a missing cursor for the beginning."""
    world.register(THREE)
    entry = record_unhinted(url, of=THREE)
    world.sweep()
    world.deliver()
    assert receiver.ids == [f"{THREE}-{entry.seq}"]


def test_an_endpoint_that_no_sweep_has_started_is_told_nothing(
    url: str, clock: Clock, receiver: Receiver
) -> None:
    """Otherwise a hint could make it hear a chain's whole history."""
    world = a_world(url, clock, an_endpoint(receiver.url))
    with world.store:
        world.register(ONE)
        world.record()
        world.deliver()
        assert receiver.received == []


def test_an_endpoint_that_is_bound_hears_of_its_accounts_only(
    url: str, clock: Clock, receiver: Receiver
) -> None:
    """Neither of others', nor of what concerns no one account, hinted or not."""
    bound = an_endpoint(receiver.url, name="bank", accounts=frozenset({ONE}))
    world = a_world(url, clock, bound)
    with world.store:
        world.register(ONE, TWO)
        world.sweep()
        world.record(of=TWO)
        world.record(an_event(LedgerAction.TICKET_ENDED), of=BROKER_CHAIN)
        assert world.due_tasks() == set()
        (entry,) = world.record(of=ONE)
        world.store.webhook_queue.put("bank", [chain_of(TWO), BROKER_CHAIN], at=NOW)
        world.sweep()
        world.deliver("bank")
        assert receiver.ids == [f"{ONE}-{entry.seq}"]


def test_an_account_that_is_bound_later_begins_where_it_is(
    url: str, clock: Clock, receiver: Receiver
) -> None:
    """The customer does not get years of history; a place that was kept is kept."""
    world = a_world(url, clock, an_endpoint(receiver.url, accounts=frozenset({ONE})))
    with world.store:
        world.register(ONE, TWO)
        world.sweep()
        waiting = record_unhinted(url, of=ONE)
        world.record(of=TWO)
    world = a_world(url, clock, an_endpoint(receiver.url, accounts=frozenset({ONE, TWO})))
    with world.store:
        world.sweep()
        world.deliver()
        assert receiver.ids == [f"{ONE}-{waiting.seq}"]


def test_an_endpoint_that_is_bound_from_now_on_gets_no_history_of_a_younger_account(
    world: World, url: str, clock: Clock, receiver: Receiver
) -> None:
    """Where it heard of all accounts, it would have been told from the first entry."""
    world.register(THREE)
    bound = a_world(url, clock, an_endpoint(receiver.url, accounts=frozenset({THREE})))
    with bound.store:
        bound.record(of=THREE)
        bound.deliver()
        bound.sweep()
        assert receiver.received == []
        (entry,) = bound.record(of=THREE)
        bound.deliver()
        assert receiver.ids == [f"{THREE}-{entry.seq}"]


def test_an_endpoint_that_was_bound_hears_of_the_others_from_now_on(
    url: str, clock: Clock, receiver: Receiver
) -> None:
    """That it is known for one account says nothing about its place in another."""
    bound = a_world(url, clock, an_endpoint(receiver.url, accounts=frozenset({ONE})))
    with bound.store:
        bound.register(ONE, TWO)
        bound.sweep()
        bound.record(of=TWO)
    free = a_world(url, clock, an_endpoint(receiver.url))
    with free.store:
        free.sweep()
        free.sweep()
        free.deliver()
        assert receiver.received == []
        (entry,) = free.record(of=TWO)
        free.deliver()
        assert receiver.ids == [f"{TWO}-{entry.seq}"]


def test_an_account_may_be_bound_before_it_is_registered(
    url: str, clock: Clock, receiver: Receiver
) -> None:
    """It is told from its first entry."""
    world = a_world(url, clock, an_endpoint(receiver.url, accounts=frozenset({THREE})))
    with world.store:
        world.sweep()
        world.register(THREE)
        entry = record_unhinted(url, of=THREE)
        world.sweep()
        world.deliver()
        assert receiver.ids == [f"{THREE}-{entry.seq}"]


def test_cursors_survive_a_restart(
    world: World, url: str, clock: Clock, receiver: Receiver
) -> None:
    """The place of an endpoint is kept under its name."""
    (told,) = world.record()
    world.deliver()
    untold = record_unhinted(url)
    again = a_world(url, clock, an_endpoint(receiver.url))
    with again.store:
        again.sweep()
        again.deliver()
    assert receiver.ids == [f"{ONE}-{told.seq}", f"{ONE}-{untold.seq}"]


def test_a_pause_is_not_shortened_by_a_sweep(
    world: World, receiver: Receiver, clock: Clock
) -> None:
    """A chain that waits is left alone until its time has come."""
    world.record()
    receiver.always = 500
    world.deliver()
    world.sweep()
    assert world.due_tasks() == set()
    world.deliver()
    assert len(receiver.received) == 1
    clock.move(A_MINUTE)
    world.sweep()
    assert world.due_tasks() == {TASK}


def test_how_long_the_oldest_has_waited_is_observed(
    world: World, receiver: Receiver, clock: Clock
) -> None:
    """As the time at which it was written, in whatever chain; None once all is told."""
    clock.move(A_MINUTE)
    (first,) = world.record(of=TWO)
    clock.move(A_MINUTE)
    world.record(of=ONE)
    receiver.answer_next(500, 500)
    world.deliver()
    world.sweep()
    assert world.observer.waits == {"chat": datetime.fromisoformat(first.at)}
    clock.move(A_MINUTE)
    world.deliver()
    world.sweep()
    assert world.observer.waits == {"chat": None}


def test_each_endpoint_has_cursors_of_its_own(url: str, clock: Clock, receiver: Receiver) -> None:
    """One asks for less than the other, and one does not answer."""
    nobody = an_endpoint("http://127.0.0.1:1/", name="dead")
    glass = an_endpoint(
        receiver.url, name="glass", events=EVERYTHING & {"grant.glass_broken", "session.opened"}
    )
    world = a_world(url, clock, nobody, glass)
    with world.store:
        world.register(ONE)
        world.sweep()
        world.record(an_event())
        (broken,) = world.record(an_event(LedgerAction.GLASS_BROKEN))
        world.record(an_event(NOTHING_TO_TELL))
        for name in ("dead", "glass"):
            world.deliver(name)
        (received,) = receiver.received
        assert (received.id, received.event["urgent"]) == (f"{ONE}-{broken.seq}", True)
        assert world.store.webhook_cursors.outage("dead") is not None
        assert world.store.webhook_cursors.outage("glass") is None


def test_more_accounts_than_a_page(url: str, clock: Clock, receiver: Receiver) -> None:
    """Every one of them is looked at."""
    accounts = [account_id(number) for number in range(1, 1203)]
    world = a_world(url, clock, an_endpoint(receiver.url))
    with world.store:
        world.register(*accounts)
        world.sweep()
        with open_store(url) as unhinted:
            for each in accounts[::400]:
                unhinted.journal.record(chain_of(each), an_event(), now=NOW)
        world.sweep()
        world.deliver()
        assert sorted(receiver.ids) == [f"{each}-2" for each in accounts[::400]]
