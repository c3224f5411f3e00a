"""Asking a source when it matters, and writing down what is new."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from broker.domain.ledger.entries import BROKER_CHAIN, LedgerEntry
from broker.domain.tickets import Ticket, TicketStatus
from broker.errors import Conflict, DependencyUnavailable
from broker.services.tickets import lookup as ticket_lookup
from broker.services.tickets.lookup import FRESH_FOR, MISSING_FOR
from tests.contract.store_samples import NOW, ONE, TWO, a_ticket, an_event, write
from tests.integration.tickets.world import TICKET, World, save_of

A_MOMENT = timedelta(milliseconds=1)


def got(world: World) -> Ticket | None:
    found = world.lookup.get(TICKET)
    return found.record if found else None


def written(world: World) -> list[LedgerEntry]:
    return [entry for entry in world.ledger() if entry.action == "ticket.written"]


def test_what_is_found_is_written_with_an_entry(world: World) -> None:
    found = world.lookup.get(TICKET)
    assert found == world.store.tickets.get(TICKET)
    assert found is not None
    assert replace(found.record, updated_at=NOW) == a_ticket(assignees=())
    (entry,) = written(world)
    assert (entry.actor, entry.outcome, entry.reason) == ("broker:ticket-source", "done", None)
    assert entry.ids == {"ticket": TICKET}
    assert entry.details == {"status": "open", "accounts": [ONE, TWO], "assignees": []}


def test_what_has_not_changed_is_not_written_again(world: World) -> None:
    got(world)
    world.source.say(updated_at=NOW + timedelta(hours=1))
    world.clock.now += FRESH_FOR
    got(world)
    assert world.source.asked == 2
    assert len(written(world)) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"status": TicketStatus.CLOSED},
        {"account_ids": (ONE,)},
        {"assignees": ("bob",)},
        {"subject": "Something else"},
    ],
)
def test_every_change_is_written(world: World, change: dict[str, Any]) -> None:
    got(world)
    world.source.say(**change)
    world.clock.now += FRESH_FOR
    found = got(world)
    assert found is not None
    assert {name: getattr(found, name) for name in change} == change
    assert found.updated_at == world.clock()
    assert len(written(world)) == 2


def test_an_answer_counts_for_some_seconds(world: World) -> None:
    got(world)
    world.source.close()
    world.clock.now += FRESH_FOR - A_MOMENT
    assert got(world) == replace(a_ticket(assignees=()), updated_at=NOW)
    assert world.source.asked == 1
    world.clock.now += A_MOMENT
    found = got(world)
    assert found is not None
    assert found.status is TicketStatus.CLOSED


def test_what_another_process_writes_counts_at_once(world: World) -> None:
    """Only when the source was asked is remembered, not what it said."""
    got(world)
    world.source.close()
    world.a_lookup().ask(TICKET)
    asked = world.source.asked
    found = got(world)
    assert found is not None
    assert found.status is TicketStatus.CLOSED
    assert world.source.asked == asked


def test_a_ticket_that_is_not_there_is_asked_for_again_sooner(world: World) -> None:
    world.source.ticket = None
    assert got(world) is None
    world.clock.now += MISSING_FOR - A_MOMENT
    assert got(world) is None
    assert world.source.asked == 1
    world.source.ticket = a_ticket(assignees=())
    world.clock.now += A_MOMENT
    assert got(world) is not None
    assert world.store.tickets.get(TICKET) is not None


def test_a_ticket_that_is_gone_is_kept_as_closed(world: World) -> None:
    got(world)
    world.source.ticket = None
    world.clock.now += FRESH_FOR
    assert got(world) is None
    stored = world.store.tickets.get(TICKET)
    assert stored is not None
    assert stored.record.status is TicketStatus.CLOSED
    assert written(world)[-1].reason == "not_found_at_source"
    asked = world.source.asked
    assert got(world) is None
    assert world.source.asked == asked
    world.clock.now += MISSING_FOR
    assert got(world) is None
    assert len(written(world)) == 2


def test_a_silent_source_leaves_nobody_with_an_old_answer(world: World) -> None:
    got(world)
    world.source.silent = True
    world.clock.now += FRESH_FOR
    with pytest.raises(DependencyUnavailable) as caught:
        got(world)
    assert caught.value.code == "ticket_source_unavailable"


def test_a_clock_that_is_set_back_makes_no_answer_last_longer(world: World) -> None:
    got(world)
    world.clock.now -= timedelta(days=1)
    got(world)
    assert world.source.asked == 2


def test_an_answer_never_takes_the_place_of_a_younger_one(world: World) -> None:
    """Who asked first and heard late, asks again."""
    got(world)
    world.source.say(subject="The older answer")

    def close_elsewhere() -> None:
        world.source.meanwhile = None
        world.source.close()
        world.a_lookup().ask(TICKET)

    world.source.meanwhile = close_elsewhere
    world.clock.now += FRESH_FOR
    found = got(world)
    assert found is not None
    assert found.status is TicketStatus.CLOSED
    stored = world.store.tickets.get(TICKET)
    assert stored is not None
    assert stored.record.status is TicketStatus.CLOSED


def test_a_ticket_that_never_holds_still_is_given_up(world: World) -> None:
    changes = iter(range(1000))

    def write_elsewhere() -> None:
        stored = world.store.tickets.get(TICKET)
        assert stored is not None
        world.source.say(subject=f"Change {next(changes)}")
        save = save_of(stored, subject="of somebody else")
        world.store.journal.record(BROKER_CHAIN, an_event(), now=world.clock(), saves=[save])

    got(world)
    world.source.meanwhile = write_elsewhere
    world.source.say(subject="A change")
    with pytest.raises(Conflict):
        world.lookup.ask(TICKET)


@pytest.mark.parametrize("says", ["the same", "that it is gone"])
def test_the_end_of_a_silence_is_written(world: World, says: str) -> None:
    write(world.store, a_ticket(assignees=(), silent_since=NOW))
    if says == "that it is gone":
        world.source.ticket = None
    got(world)
    stored = world.store.tickets.get(TICKET)
    assert stored is not None
    assert stored.record.silent_since is None
    assert len(written(world)) == 1


def test_no_more_is_remembered_than_fits(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was asked for longest ago is forgotten first."""
    monkeypatch.setattr(ticket_lookup, "AT_MOST", 2)

    def asks(number: int) -> bool:
        """Whether the source is asked for this one."""
        world.source.ticket = a_ticket(number)
        before = world.source.asked
        world.lookup.get(a_ticket(number).ticket_id)
        return world.source.asked > before

    assert [asks(number) for number in (1, 2)] == [True, True]
    world.clock.now += FRESH_FOR
    assert [asks(number) for number in (1, 3)] == [True, True]
    assert [asks(number) for number in (1, 3)] == [False, False]
    assert [asks(number) for number in (2, 1)] == [True, True]
