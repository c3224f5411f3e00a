"""The console closes a ticket, and the sessions for it die by themselves: nobody asks for that."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e.support_desk import ACCOUNT, ANN, BOB, Desk, a_desk, awaited


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with a_desk(tmp_path_factory.mktemp("closing")) as made:
        yield made


def write(desk: Desk, ticket: str, *, status: str = "open", assignees: tuple[str, ...] = ()) -> str:
    body = {"account_ids": [ACCOUNT], "status": status, "assignees": list(assignees)}
    desk.console.ask("PUT", f"/v1/tickets/{ticket}", body)
    return ticket


def test_a_closed_ticket_ends_its_sessions(desk: Desk) -> None:
    ticket = write(desk, "T-CLOSED")
    opened = [desk.open(ticket, ANN), desk.open(ticket, BOB)]
    write(desk, ticket, status="closed")
    for each in opened:
        desk.dies(each)
        assert desk.grant(each)["decision_reason"] == "ticket_closed"
        assert desk.why_it_ended(each) == [
            ("grant.revoked", "done", "ticket_closed"),
            ("session.revoked", "intended", "ticket_closed"),
        ]
    awaited(lambda: len(desk.about(ticket, "ticket.ended")) == 2)
    intended, done = desk.about(ticket, "ticket.ended")
    assert (intended["actor"], intended["details"]["grants"]) == ("broker:worker", 2)
    assert done["details"]["sessions"] == 2


def test_reopening_it_revives_nothing(desk: Desk) -> None:
    ticket = write(desk, "T-REOPENED")
    before = desk.open(ticket)
    write(desk, ticket, status="closed")
    desk.dies(before)
    write(desk, ticket)
    after = desk.open(ticket)
    assert after["session"]["grant_id"] != before["session"]["grant_id"]
    assert not desk.lets_in(before)
    assert desk.grant(before)["state"] == "revoked"


def test_a_ticket_that_is_given_to_somebody_else_ends_what_the_others_had(desk: Desk) -> None:
    ticket = write(desk, "T-REASSIGNED")
    ann, bob = desk.open(ticket, ANN), desk.open(ticket, BOB)
    write(desk, ticket, assignees=(BOB,))
    desk.dies(ann)
    assert desk.grant(ann)["decision_reason"] == "not_assigned"
    assert desk.lets_in(bob)
    assert desk.grant(bob)["state"] == "approved"


def test_a_power_cut_right_after_the_answer_only_delays_it(desk: Desk) -> None:
    """Broker, worker and store are killed; whoever starts again finds what is to be done."""
    ticket = write(desk, "T-CUT")
    opened = desk.open(ticket)
    write(desk, ticket, status="closed")
    desk.cut_the_power()
    desk.dies(opened)


def test_a_power_cut_between_the_grant_and_its_sessions_only_delays_it(desk: Desk) -> None:
    ticket = write(desk, "T-CUT-IN-BETWEEN")
    opened = [desk.open(ticket, ANN), desk.open(ticket, BOB)]
    write(desk, ticket, status="closed")
    awaited(lambda: desk.grant(opened[0])["state"] == "revoked")
    desk.cut_the_power()
    for each in opened:
        desk.dies(each)
