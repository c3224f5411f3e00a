"""Tickets from an organisation's own ticket system, one question at a time."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http import HTTPStatus

import structlog
from pydantic_core import from_json

from broker.domain.access import Reason
from broker.domain.identifiers import TicketId
from broker.domain.refusals import refusal
from broker.domain.ticket_sources.address import TicketUrl
from broker.domain.ticket_sources.reading import Asked, Mapped, Unreadable
from broker.domain.ticket_sources.shapes import Shape
from broker.domain.tickets import Ticket
from broker.errors import BrokerError
from broker.http.outbound import (
    AddressRefused,
    Answer,
    Destination,
    Outbound,
    OutboundFailed,
    Reach,
)

LARGEST = 256 * 1024
"""Bytes that are read of an answer."""

PAUSE = timedelta(seconds=5)
"""For how long nobody asks a system that has just failed: slow failures of many questions would
take all threads, of requests and of the worker."""

LONGEST_PAUSE = timedelta(minutes=1)
"""However long it says that it wants to be left alone."""

_OF_THE_QUESTION = frozenset({400, 410, 414, 422})
"""Refusals of this one question: Zendesk answers 400 to what is no number. Whoever may name a
ticket could otherwise keep everybody else from asking for theirs."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketSystem:
    """A ticket system as the operator describes it; `authorization` is the header's value."""

    url: TicketUrl
    shape: Shape
    mapped: Mapped
    authorization: str | None = field(default=None, repr=False)

    def destination(self, ticket_id: TicketId) -> Destination:
        """Where it answers for one ticket. It may stand in a network of the organisation's own."""
        return Destination(
            scheme=self.url.scheme,
            host=self.url.host,
            port=self.url.port,
            target=self.url.target(ticket_id),
            reach=Reach.LOOPBACK if self.url.scheme == "http" else Reach.OWN_NETWORKS,
        )


class HttpTicketSource:
    """The TicketSource of a ticket system. Safe to use from many threads."""

    def __init__(
        self, system: TicketSystem, *, outbound: Outbound, clock: Callable[[], datetime]
    ) -> None:
        self._system = system
        self._outbound = outbound
        self._clock = clock
        self._pause = _Pause()

    def find(self, ticket_id: TicketId) -> Ticket | None:
        """See the protocol TicketSource."""
        if self._pause.holds(self._clock()):
            raise _no_answer()
        answer = self._answer(ticket_id)
        if answer.status == HTTPStatus.NOT_FOUND:
            return None
        return self._read(answer, ticket_id)

    def _answer(self, ticket_id: TicketId) -> Answer:
        """An answer with 200 or 404; any other but a few is a failure of the whole system."""
        secret = self._system.authorization
        headers = {"Accept": "application/json"}
        try:
            answer = self._outbound.send(
                "GET",
                self._system.destination(ticket_id),
                headers=headers | ({"Authorization": secret} if secret else {}),
                largest=LARGEST,
            )
        except (AddressRefused, OutboundFailed) as e:
            raise self._failed(str(e)) from e
        if answer.status in _OF_THE_QUESTION:
            _log.error("ticket_question_refused", ticket=ticket_id, status=answer.status)
            raise _no_answer()
        if answer.status not in (HTTPStatus.OK, HTTPStatus.NOT_FOUND):
            raise self._failed(_meaning(answer.status), _retry_after(answer))
        return answer

    def _read(self, answer: Answer, ticket_id: TicketId) -> Ticket | None:
        asked = Asked(ticket_id=ticket_id, at=self._clock())
        try:
            told = self._system.shape.read(_json_of(answer), asked, self._system.mapped)
        except Unreadable as e:
            _log.error("ticket_unreadable", ticket=ticket_id, why=str(e))
            raise _no_answer() from e
        if told is None:
            _log.warning("ticket_answer_about_another", ticket=ticket_id)
        return told

    def _failed(self, why: str, pause: timedelta = PAUSE) -> BrokerError:
        _log.error("ticket_source_unavailable", host=self._system.url.host, why=why)
        self._pause.begin(self._clock() + pause)
        return _no_answer()


class _Pause:
    """Until when nobody asks."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._until: datetime | None = None

    def begin(self, until: datetime) -> None:
        with self._lock:
            self._until = until if self._until is None else max(until, self._until)

    def holds(self, now: datetime) -> bool:
        with self._lock:
            return self._until is not None and now < self._until


def _no_answer() -> BrokerError:
    return refusal(Reason.TICKET_UNKNOWN)


def _meaning(status: int) -> str:
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        return f"status {status}: BROKER_TICKETS_TOKEN is not accepted, or may not see tickets"
    return f"status {status}"


def _retry_after(answer: Answer) -> timedelta:
    """How long it wants to be left alone (RFC 9110, section 10.2.3), within bounds."""
    asked = answer.headers.get("retry-after", "")
    if not (asked.isascii() and asked.isdigit() and len(asked) < 6):
        return PAUSE
    return min(max(timedelta(seconds=int(asked)), PAUSE), LONGEST_PAUSE)


def _json_of(answer: Answer) -> object:
    media_type = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json" and not media_type.endswith("+json"):
        raise Unreadable("it is not declared as JSON")
    try:
        return from_json(answer.body)
    except ValueError:
        # The error's text shows what stands there.
        raise Unreadable("it is not JSON") from None
