"""What a ticket no longer carries ends, with its sessions, and nothing else does."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from broker.domain.grants import GrantState
from broker.domain.ports import Save, Task, TaskKind
from broker.domain.tickets import TicketStatus
from broker.errors import DependencyUnavailable, StoreUnavailable
from broker.services.background.crew import call_of_worker
from tests.contract.store_samples import ANN, ONE, TWO, a_ticket, write
from tests.integration.tickets.world import BOB, EVERY, SILENCE, TICKET, World

TASK = Task(TaskKind.TICKET, TICKET)


@pytest.fixture(params=["source", "console"])
def either(request: pytest.FixtureRequest, world: World) -> World:
    """Tickets from a source, or from the console: what ends is the same."""
    if request.param == "console":
        world.rounds = None
    world.lookup.ask(TICKET)
    return world


def change(world: World, **changes: Any) -> None:
    """Change the ticket where it comes from, and let the time pass until somebody may look."""
    if world.rounds is None:
        world.write_ticket(**changes)
    else:
        world.source.say(**changes)
        world.clock.now += EVERY


CLOSED = {"status": TicketStatus.CLOSED}


def test_closing_a_ticket_ends_what_was_granted_for_it(either: World) -> None:
    grants = [either.grant(1), either.grant(2, TWO, engineer=BOB)]
    waiting = either.grant(3, decided=GrantState.REQUESTED)
    either.work()
    assert [either.state_of(grant) for grant in grants] == [GrantState.APPROVED] * 2
    change(either, **CLOSED)
    either.work()
    assert all(either.has_ended(grant) for grant in grants)
    assert either.state_of(waiting) is GrantState.REVOKED
    assert {either.reason_of(grant) for grant in grants} == {"ticket_closed"}


def test_the_ledger_says_what_ended_and_why(either: World) -> None:
    either.grant(1)
    either.grant(2, TWO)
    either.work()
    change(either, **CLOSED)
    either.work()
    ended = [entry for entry in either.ledger() if entry.action == "ticket.ended"]
    assert [(e.outcome, e.reason, e.ids["ticket"]) for e in ended] == [
        ("intended", "ticket_closed", TICKET),
        ("done", "ticket_closed", TICKET),
    ]
    assert (ended[0].details["grants"], ended[1].details["sessions"]) == (2, 2)
    assert [(e.action, e.outcome, e.reason) for e in either.ledger(ONE)] == [
        ("grant.revoked", "done", "ticket_closed"),
        ("session.revoked", "intended", "ticket_closed"),
        ("session.revoked", "done", None),
    ]


def test_an_account_that_a_ticket_no_longer_concerns(either: World) -> None:
    here, there = either.grant(1), either.grant(2, TWO)
    change(either, account_ids=(TWO,))
    either.work()
    assert either.has_ended(here)
    assert either.reason_of(here) == "ticket_not_for_account"
    assert either.state_of(there) is GrantState.APPROVED


def test_a_ticket_that_is_given_to_somebody_else(either: World) -> None:
    ann, bob = either.grant(1), either.grant(2, engineer=BOB)
    change(either, assignees=(BOB,))
    either.work()
    assert either.has_ended(ann)
    assert either.reason_of(ann) == "not_assigned"
    assert either.state_of(bob) is GrantState.APPROVED
    assert [session.revoked_at for session in either.sessions_of(bob)] == [None]


def test_other_tickets_keep_what_they_have(either: World) -> None:
    write(either.store, a_ticket(2))
    mine, other = either.grant(1), either.grant(2, ticket_id=a_ticket(2).ticket_id)
    change(either, **CLOSED)
    either.watch(TICKET, call_of_worker())
    assert (either.state_of(mine), either.state_of(other)) == (
        GrantState.REVOKED,
        GrantState.APPROVED,
    )


def test_reopening_revives_nothing(either: World) -> None:
    grant = either.grant(1)
    change(either, **CLOSED)
    either.work()
    change(either, status=TicketStatus.OPEN)
    either.work()
    assert either.has_ended(grant)


class NothingToEnd:
    """An ending of which nothing is asked."""

    def end_grants(self, grant_ids: Any, *_: Any, **__: Any) -> Any:
        raise AssertionError(f"{grant_ids} have been ended before")


def test_what_has_been_ended_is_not_ended_again(either: World) -> None:
    """Nor are sessions that have expired by themselves under a grant that was revoked."""
    grant = either.grant(1)
    change(either, **CLOSED)
    either.work()
    assert either.has_ended(grant)
    replace(either.watch, ending=NothingToEnd())(TICKET, call_of_worker())
    expired = either.grant(2, decided=GrantState.REVOKED)
    either.clock.now = either.sessions_of(expired)[0].expires_at
    replace(either.watch, ending=NothingToEnd())(TICKET, call_of_worker())


def test_what_is_over_already_is_left_alone(either: World) -> None:
    lapsed = either.grant(1, expires_at=either.clock())
    denied = either.grant(2, decided=GrantState.DENIED)
    change(either, **CLOSED)
    either.work()
    assert (either.state_of(lapsed), either.state_of(denied)) == (
        GrantState.EXPIRED,
        GrantState.DENIED,
    )
    assert not [entry for entry in either.ledger() if entry.action == "ticket.ended"]


def test_a_ticket_of_the_console_is_looked_at_when_it_is_written_and_not_again(own: World) -> None:
    own.write_ticket()
    own.grant(1)
    assert own.work() == 1
    assert own.store.agenda.next_due() is None
    own.write_ticket(subject="Something else")
    assert own.work() == 1
    assert own.source.asked == 0


def test_a_ticket_of_a_source_is_looked_at_as_long_as_something_is_granted_for_it(
    world: World,
) -> None:
    world.lookup.ask(TICKET)
    grant = world.grant(1)
    world.work()
    assert world.store.agenda.next_due() == world.clock() + EVERY
    asked = world.source.asked
    world.clock.now += EVERY
    assert world.work() == 1
    assert world.source.asked == asked + 1
    assert world.store.agenda.next_due() == world.clock() + EVERY
    world.clock.now = grant.expires_at
    assert world.work() == 1
    assert world.source.asked == asked + 1
    assert world.store.agenda.next_due() is None


def test_a_ticket_that_is_gone_at_its_source(world: World) -> None:
    world.lookup.ask(TICKET)
    grant = world.grant(1)
    world.work()
    world.source.ticket = None
    world.clock.now += EVERY
    world.work()
    assert world.has_ended(grant)
    assert world.reason_of(grant) == "ticket_not_found"
    stored = world.store.tickets.get(TICKET)
    assert stored is not None
    assert stored.record.status is TicketStatus.CLOSED


def test_a_grant_that_is_written_after_the_ticket_was_closed_does_not_stay(either: World) -> None:
    """Whoever granted it had read the ticket just before."""
    change(either, **CLOSED)
    either.work()
    late = either.grant(1)
    either.work()
    assert either.has_ended(late)


class Killed(BaseException):
    """The process ends here."""


def test_a_worker_that_dies_before_the_sessions_leaves_them_to_the_next_one(
    either: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    grant = either.grant(1)
    either.work()
    change(either, **CLOSED)

    def die(*_: Any, **__: Any) -> None:
        raise Killed

    with monkeypatch.context() as death:
        death.setattr("broker.services.revocation.session_ends.SessionEnds.end", die)
        with pytest.raises(Killed):
            either.work()
    assert either.state_of(grant) is GrantState.REVOKED
    assert [session.revoked_at for session in either.sessions_of(grant)] == [None]
    either.clock.now += timedelta(seconds=30)
    either.work()
    assert either.has_ended(grant)
    assert either.reason_of(grant) == "ticket_closed"


def test_a_grant_that_somebody_else_ended_half_is_finished(either: World) -> None:
    """A revocation whose process died between the grant and its sessions."""
    grant = either.grant(1)
    either.work()
    write(
        either.store,
        replace(grant, decided=GrantState.REVOKED, decision_reason="enough"),
        expected=1,
    )
    either.work()
    assert either.has_ended(grant)
    assert either.reason_of(grant) == "enough"
    revoked = [entry.reason for entry in either.ledger(ONE) if entry.action == "session.revoked"]
    assert revoked == ["enough", None]


def test_a_short_silence_ends_nothing_and_is_written_down_once(world: World) -> None:
    world.lookup.ask(TICKET)
    grant = world.grant(1)
    world.work()
    world.source.silent = True
    world.clock.now += EVERY
    began = world.clock()
    while world.clock() < began + SILENCE:
        world.work()
        due = world.store.agenda.next_due()
        assert due is not None
        assert timedelta() < due - world.clock() <= timedelta(minutes=1)
        assert world.state_of(grant) is GrantState.APPROVED
        world.clock.now = due
    assert world.clock() == began + SILENCE
    told = [entry for entry in world.ledger() if entry.action == "ticket.unconfirmed"]
    assert [(entry.outcome, entry.reason) for entry in told] == [
        ("failed", "ticket_source_unavailable")
    ]


def test_a_long_silence_ends_what_nobody_can_vouch_for(world: World) -> None:
    world.lookup.ask(TICKET)
    grant = world.grant(1)
    world.source.silent = True
    world.work()
    world.clock.now += SILENCE
    world.work()
    assert world.has_ended(grant)
    assert world.reason_of(grant) == "ticket_source_silent"
    world.clock.now += timedelta(hours=1)
    assert world.work() == 0


def test_a_silence_that_is_broken_is_forgotten(world: World) -> None:
    world.lookup.ask(TICKET)
    grant = world.grant(1)
    for _ in range(3):
        world.source.silent = True
        world.work()
        world.clock.now += SILENCE - timedelta(seconds=1)
        world.source.silent = False
        world.work()
        world.clock.now += EVERY
    assert world.state_of(grant) is GrantState.APPROVED
    stored = world.store.tickets.get(TICKET)
    assert stored is not None
    assert stored.record.silent_since is None


def test_a_grant_whose_ticket_the_store_does_not_know_ends_in_a_silence(world: World) -> None:
    grant = world.grant(1)
    world.source.silent = True
    world.work()
    assert world.reason_of(grant) == "ticket_not_found"


def test_a_store_that_is_gone_says_nothing_of_the_ticket(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.lookup.ask(TICKET)
    grant = world.grant(1)

    def gone(_: object) -> None:
        raise StoreUnavailable("Gone.")

    with monkeypatch.context() as outage:
        outage.setattr(world.source, "find", gone)
        with pytest.raises(DependencyUnavailable):
            world.work()
    assert world.state_of(grant) is GrantState.APPROVED
    stored = world.store.tickets.get(TICKET)
    assert stored is not None
    assert stored.record.silent_since is None


def test_grants_of_one_engineer_in_two_accounts_end_for_their_own_reasons(either: World) -> None:
    here, there = either.grant(1, engineer=ANN), either.grant(2, TWO, engineer=BOB)
    change(either, account_ids=(TWO,), assignees=(ANN,))
    either.work()
    assert either.reason_of(here) == "ticket_not_for_account"
    assert either.reason_of(there) == "not_assigned"


def test_a_write_that_meets_the_comparison_is_compared_as_well(own: World) -> None:
    """The pass has looked at the ticket when it is closed; its conclusion hides nothing."""
    own.write_ticket()
    grant = own.grant(1)
    stored = own.store.tickets.get(TICKET)
    assert stored is not None
    watch = own.watch
    closed = replace(stored.record, status=TicketStatus.CLOSED)

    def ask_and_close(ticket_id: Any) -> Any:
        found = own.store.tickets.get(ticket_id)
        save = Save(closed, expected=stored.version)
        if found is not None and found.version == stored.version:
            write(own.store, save.record, expected=save.expected)
        return found

    for task in own.store.agenda.claim(now=own.clock(), hold=timedelta(minutes=10), limit=10):
        if task == TASK:
            replace(watch, ask=ask_and_close)(task.subject, call_of_worker())
    assert own.state_of(grant) is GrantState.APPROVED
    own.work()
    assert own.has_ended(grant)
