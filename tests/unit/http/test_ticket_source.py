"""Asking a real ticket system, which may be slow, broken, huge, or speak of something else."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from time import monotonic

import pytest
from structlog.testing import capture_logs

from broker.domain.identifiers import TicketId
from broker.domain.ticket_sources.address import TicketUrl
from broker.domain.ticket_sources.reading import Mapped
from broker.domain.ticket_sources.shapes import Shape
from broker.domain.tickets import TicketStatus
from broker.errors import DependencyUnavailable
from broker.http import outbound
from broker.http import ticket_source as adapter
from broker.http.outbound import Outbound
from broker.http.ticket_source import LARGEST, PAUSE, HttpTicketSource
from tests.unit.http.ticket_system import JSON, Reply, TicketSystem, as_json, ticket_system

ONE = "111122223333"
TICKET = TicketId("T-7")
SECRET = "Bearer s3cret"


@dataclass
class Clock:
    now: datetime = datetime(2026, 3, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def system() -> Iterator[TicketSystem]:
    with ticket_system() as running:
        running.tell("T-7", ONE, assignees=["jane"])
        yield running


@pytest.fixture
def source(system: TicketSystem, clock: Clock) -> HttpTicketSource:
    return source_of(system.url, clock)


def source_of(url: str, clock: Clock, shape: Shape = Shape.PLAIN) -> HttpTicketSource:
    described = adapter.TicketSystem(
        url=TicketUrl.parse(url), shape=shape, mapped=Mapped(), authorization=SECRET
    )
    assert "s3cret" not in repr(described)
    return HttpTicketSource(described, outbound=Outbound(endpoint_url=None), clock=clock)


def assert_unknown(source: HttpTicketSource) -> str:
    """Nobody knows how the ticket is; what the log says of it, in which no secret stands."""
    with capture_logs() as logs, pytest.raises(DependencyUnavailable) as caught:
        source.find(TICKET)
    assert caught.value.code == "ticket_source_unavailable"
    assert "s3cret" not in f"{logs}{caught.value}"
    return str(logs)


def test_a_ticket_is_found(source: HttpTicketSource, system: TicketSystem) -> None:
    ticket = source.find(TICKET)
    assert ticket is not None
    assert (ticket.ticket_id, ticket.status) == ("T-7", TicketStatus.OPEN)
    assert (ticket.account_ids, ticket.assignees) == ((ONE,), ("jane",))
    assert system.asked == ["/tickets/T-7"]
    sent = {name.lower(): value for name, value in system.headers[0].items()}
    assert (sent["authorization"], sent["accept"]) == (SECRET, "application/json")
    assert "cookie" not in sent


def test_a_ticket_that_is_not_there(source: HttpTicketSource) -> None:
    assert source.find(TicketId("T-8")) is None


def test_an_answer_about_another_ticket(source: HttpTicketSource, system: TicketSystem) -> None:
    system.reply = lambda _: as_json({**system.tickets["T-7"], "id": "T-8"})
    with capture_logs() as logs:
        assert source.find(TICKET) is None
    assert [log["event"] for log in logs] == ["ticket_answer_about_another"]


REPLIES: dict[str, Reply] = {
    "no content": (204, b"", JSON),
    "moved": (302, b"", {**JSON, "Location": "/tickets/T-8"}),
    "for ever": (301, b"", {**JSON, "Location": "/tickets/T-7"}),
    "unauthorized": (401, b"{}", JSON),
    "forbidden": (403, b"{}", JSON),
    "too many": (429, b"{}", JSON),
    "broken": (500, b"{}", JSON),
    "unavailable": (503, b"{}", JSON),
}


@pytest.mark.parametrize("name", REPLIES)
def test_a_status_that_says_nothing_of_the_ticket(
    source: HttpTicketSource, system: TicketSystem, name: str
) -> None:
    """Whatever it is, and above all not followed anywhere else."""
    system.reply = lambda _: REPLIES[name]
    assert f"status {REPLIES[name][0]}" in assert_unknown(source)
    assert len(system.asked) == 1


@pytest.mark.parametrize("status", [401, 403])
def test_a_token_that_is_not_accepted_is_named_in_the_log(
    source: HttpTicketSource, system: TicketSystem, status: int
) -> None:
    system.reply = lambda _: as_json({"error": "who are you"}, status)
    assert "BROKER_TICKETS_TOKEN" in assert_unknown(source)


BODIES: dict[str, Reply] = {
    "not declared": (200, b'{"id": "T-7"}', {}),
    "a page": (200, b"<html>", {"Content-Type": "text/html"}),
    "a page that says JSON": (200, b"<html>", JSON),
    "cut off": (200, b'{"id": "T-7", "status": "op', JSON),
    "not UTF-8": (200, b'{"id": "T-7\xff"}', JSON),
    "half a character": (200, b'{"id": "T-7", "subject": "\\ud800"}', JSON),
    "very deep": (200, b"[" * 100_000, JSON),
    "no ticket": (200, b"[]", JSON),
    "too little": (200, b'{"id": "T-7"}', JSON),
    "compressed": (200, b"\x1f\x8b\x08", {**JSON, "Content-Encoding": "gzip"}),
    "huge": (200, b" " * (LARGEST + 1), JSON),
}


@pytest.mark.parametrize("name", BODIES)
def test_a_body_that_is_no_ticket(
    source: HttpTicketSource, system: TicketSystem, name: str
) -> None:
    system.reply = lambda _: BODIES[name]
    assert_unknown(source)


def test_the_largest_answer_that_is_read(source: HttpTicketSource, system: TicketSystem) -> None:
    status, body, headers = as_json(system.tickets["T-7"])
    system.reply = lambda _: (status, body.ljust(LARGEST), headers)
    assert source.find(TICKET) is not None


def test_one_ticket_that_cannot_be_read_keeps_no_other_from_being_asked_for(
    source: HttpTicketSource, system: TicketSystem
) -> None:
    system.tell("T-9", assignees="everybody")
    with pytest.raises(DependencyUnavailable):
        source.find(TicketId("T-9"))
    assert source.find(TICKET) is not None


@pytest.mark.parametrize("status", [400, 410, 414, 422])
def test_one_question_that_is_refused_keeps_nobody_from_asking_another(
    source: HttpTicketSource, system: TicketSystem, status: int
) -> None:
    """Whoever thinks up ticket ids must not silence the system for everybody else."""
    system.reply = lambda _: (status, b"{}", JSON)
    assert f"status': {status}" in assert_unknown(source)
    system.reply = None
    assert source.find(TICKET) is not None


def test_a_system_that_is_slow_is_not_waited_for(
    source: HttpTicketSource, system: TicketSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbound, "READ_SECONDS", 0.2)
    over = threading.Event()

    def late(_: str) -> Reply:
        over.wait(10)
        return as_json({})

    system.reply = late
    begun = monotonic()
    assert_unknown(source)
    assert monotonic() - begun < 2
    over.set()


def test_a_system_that_is_not_there(clock: Clock) -> None:
    with ticket_system() as system:
        url = system.url
    assert_unknown(source_of(url, clock))


def test_a_name_that_leads_to_the_metadata_of_an_instance(clock: Clock) -> None:
    """Whatever the operator's DNS says."""
    source = source_of("https://169.254.169.254/{ticket}", clock)
    assert "out_of_reach" in assert_unknown(source)


def test_a_system_that_failed_is_left_alone_for_a_moment(
    source: HttpTicketSource, system: TicketSystem, clock: Clock
) -> None:
    """Or the slow failures of many questions would take all threads."""
    system.reply = lambda _: REPLIES["broken"]
    assert_unknown(source)
    system.reply = None
    clock.now += PAUSE - timedelta(milliseconds=1)
    assert_unknown(source)
    assert len(system.asked) == 1
    clock.now += timedelta(milliseconds=1)
    assert source.find(TICKET) is not None


@pytest.mark.parametrize(
    ("asked", "seconds"),
    [("20", 20), ("99999", 60), ("1", 5), ("0", 5), ("-1", 5), ("soon", 5), ("1" * 500, 5)],
)
def test_how_long_it_is_left_alone_where_it_says_so(
    source: HttpTicketSource, system: TicketSystem, clock: Clock, asked: str, seconds: int
) -> None:
    system.reply = lambda _: (429, b"{}", {**JSON, "Retry-After": asked})
    assert_unknown(source)
    system.reply = None
    clock.now += timedelta(seconds=seconds, milliseconds=-1)
    assert_unknown(source)
    clock.now += timedelta(milliseconds=1)
    assert source.find(TICKET) is not None


def test_a_short_rest_does_not_end_a_long_one(
    source: HttpTicketSource, system: TicketSystem, clock: Clock
) -> None:
    """Of two questions that were under way, the one that failed last had less to say."""
    long = (429, b"{}", {**JSON, "Retry-After": "60"})

    def fail_twice(path: str) -> Reply:
        if path == "/tickets/T-9":
            return long
        with pytest.raises(DependencyUnavailable):
            source.find(TicketId("T-9"))
        return REPLIES["broken"]

    system.reply = fail_twice
    assert_unknown(source)
    assert system.asked == ["/tickets/T-7", "/tickets/T-9"]
    system.reply = None
    clock.now += timedelta(seconds=59)
    assert_unknown(source)
    clock.now += timedelta(seconds=1)
    assert source.find(TICKET) is not None


def test_without_tls_it_is_this_machine_whatever_its_name_leads_to(clock: Clock) -> None:
    system = adapter.TicketSystem(
        url=TicketUrl.parse("http://localhost/{ticket}"), shape=Shape.PLAIN, mapped=Mapped()
    )
    elsewhere = Outbound(endpoint_url=None, resolve=lambda *_: [ip_address("10.0.0.1")])
    source = HttpTicketSource(system, outbound=elsewhere, clock=clock)
    assert "out_of_reach" in assert_unknown(source)


def test_the_shape_is_that_of_the_system(system: TicketSystem, clock: Clock) -> None:
    assert_unknown(source_of(system.url, clock, Shape.ZENDESK))
