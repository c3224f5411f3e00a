"""Tickets from an organisation's own system: what happens there is noticed here, by itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.e2e.support_desk import ACCOUNT, ANN, BOB, Desk, a_desk, awaited
from tests.unit.http.ticket_system import TicketSystem, as_json, ticket_system

SECRET = "the-broker-may-read-tickets"


@pytest.fixture(scope="module")
def system() -> Iterator[TicketSystem]:
    with ticket_system() as running:
        yield running


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory, system: TicketSystem) -> Iterator[Desk]:
    """With everything that an operator may leave as it is left as it is."""
    settings = {"BROKER_TICKETS_URL": system.url, "BROKER_TICKETS_TOKEN": SECRET}
    with ExitStack() as stack:
        yield stack.enter_context(a_desk(tmp_path_factory.mktemp("system"), **settings))


def test_closing_it_there_ends_its_sessions_here(desk: Desk, system: TicketSystem) -> None:
    system.tell("S-CLOSED", ACCOUNT)
    opened = desk.open("S-CLOSED")
    system.tell("S-CLOSED", ACCOUNT, status="closed")
    desk.dies(opened)
    assert desk.grant(opened)["decision_reason"] == "ticket_closed"
    assert desk.why_it_ended(opened) == [
        ("grant.revoked", "done", "ticket_closed"),
        ("session.revoked", "intended", "ticket_closed"),
    ]
    written = desk.about("S-CLOSED", "ticket.written")
    assert [entry["details"]["status"] for entry in written] == ["open", "closed"]
    assert {entry["actor"] for entry in written} == {"broker:ticket-source"}
    awaited(lambda: len(desk.about("S-CLOSED", "ticket.ended")) == 2)
    assert desk.auditor.ask("GET", "/v1/tickets/S-CLOSED")["status"] == "closed"
    refused = desk.ask_for_session("S-CLOSED")
    assert (refused.status_code, refused.json()["code"]) == (403, "ticket_closed")


def test_giving_it_to_somebody_else_there(desk: Desk, system: TicketSystem) -> None:
    system.tell("S-REASSIGNED", ACCOUNT)
    ann, bob = desk.open("S-REASSIGNED", ANN), desk.open("S-REASSIGNED", BOB)
    system.tell("S-REASSIGNED", ACCOUNT, assignees=[BOB])
    desk.dies(ann)
    assert desk.grant(ann)["decision_reason"] == "not_assigned"
    assert desk.lets_in(bob)
    system.tell("S-REASSIGNED", assignees=[BOB])
    desk.dies(bob)
    assert desk.grant(bob)["decision_reason"] == "ticket_not_for_account"


def test_a_power_cut_only_delays_it(desk: Desk, system: TicketSystem) -> None:
    """Also where the ticket is closed while nobody is there to look."""
    system.tell("S-CUT", ACCOUNT)
    opened = desk.open("S-CUT")
    system.tell("S-CUT", ACCOUNT, status="closed")
    desk.cut_the_power()
    desk.dies(opened)


def test_while_it_is_down_no_session_opens_and_none_ends(desk: Desk, system: TicketSystem) -> None:
    system.tell("S-LIVE", ACCOUNT)
    system.tell("S-NEW", ACCOUNT)
    live = desk.open("S-LIVE")
    system.reply = lambda _: as_json({"error": "maintenance"}, 503)
    refused = desk.ask_for_session("S-NEW")
    assert (refused.status_code, refused.json()["code"]) == (503, "ticket_source_unavailable")
    (entry,) = desk.about("S-NEW", "session.opened")
    assert (entry["actor"], entry["outcome"]) == (ANN, "refused")
    assert (entry["reason"], entry["ids"]["account"]) == ("ticket_source_unavailable", ACCOUNT)
    awaited(lambda: bool(desk.about("S-LIVE", "ticket.unconfirmed")))
    assert desk.lets_in(live)
    system.reply = None
    awaited(lambda: desk.ask_for_session("S-NEW").status_code == 201)
    assert desk.grant(live)["state"] == "approved"


def test_no_ticket_no_session(desk: Desk) -> None:
    refused = desk.ask_for_session("S-NONE")
    assert (refused.status_code, refused.json()["code"]) == (403, "ticket_not_found")


def test_the_console_has_no_say_then(desk: Desk, system: TicketSystem) -> None:
    body = {"account_ids": [ACCOUNT], "status": "open"}
    refused = desk.console.http.put("/v1/tickets/S-TOLD", json=body)
    assert (refused.status_code, refused.json()["code"]) == (409, "tickets_come_from_source")
    (entry,) = desk.about("S-TOLD", "ticket.written")
    assert (entry["outcome"], entry["reason"]) == ("refused", "tickets_come_from_source")
    assert desk.auditor.http.get("/v1/tickets/S-TOLD").status_code == 404
    assert "/tickets/S-TOLD" not in system.asked


def test_the_token_goes_there_and_nowhere_else(desk: Desk, system: TicketSystem) -> None:
    desk.ask_for_session("S-TOKEN")
    assert {headers["Authorization"] for headers in system.headers} == {f"Bearer {SECRET}"}
    assert SECRET not in desk.stage.log.read_text()
    assert SECRET not in str(desk.chain()) + str(desk.chain(ACCOUNT))
