"""Tickets from a source: asked when it matters, and written down where they differ.

The store has the ticket as it was last told, so that lists, other processes and the worker know
it. What is remembered here is only when that was last found to be so.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from broker.domain.identifiers import TicketId
from broker.domain.ledger.entries import BROKER_CHAIN, Event, LedgerAction, Outcome
from broker.domain.ports import Journal, Save, TicketRepository, TicketSource, Versioned
from broker.domain.tickets import Ticket, TicketStatus
from broker.errors import Conflict
from broker.services.ambient import Clock
from broker.services.tickets import entries

FRESH_FOR = timedelta(seconds=10)
"""How long an answer counts without asking again."""

MISSING_FOR = timedelta(seconds=2)
"""How long nobody asks again for a ticket that is not there: it may have been made just now."""

AT_MOST = 4096
"""Tickets of which it is remembered."""

ACTOR = "broker:ticket-source"

_TRIES = 5


class TicketLookup:
    """The CurrentTickets of a source. Safe to use from many threads."""

    def __init__(
        self, *, source: TicketSource, tickets: TicketRepository, journal: Journal, clock: Clock
    ) -> None:
        self._source = source
        self._tickets = tickets
        self._journal = journal
        self._clock = clock
        self._answers = _Answers()

    def get(self, ticket_id: TicketId) -> Versioned[Ticket] | None:
        """See the protocol CurrentTickets."""
        heard = self._answers.recent(ticket_id, now=self._clock())
        if heard is None:
            return self.ask(ticket_id)
        return self._tickets.get(ticket_id) if heard.found else None

    def ask(self, ticket_id: TicketId) -> Versioned[Ticket] | None:
        """The ticket as it is at its source now. Raises like `get`, and Conflict.

        The store is read before the source is asked, and written only where it still is as it
        was: so no answer takes the place of a younger one.
        """
        for _ in range(_TRIES):
            before = self._tickets.get(ticket_id)
            asked_at = self._clock()
            told = self._source.find(ticket_id)
            with suppress(Conflict):
                kept = self._kept(before, told)
                self._answers.note(ticket_id, _Heard(at=asked_at, found=told is not None))
                return kept if told is not None else None
        raise Conflict("The ticket is being changed by others. Try again.")

    def _kept(
        self, before: Versioned[Ticket] | None, told: Ticket | None
    ) -> Versioned[Ticket] | None:
        """The ticket's record, once it says what was told."""
        known = before.record if before else None
        wanted = _as_told(told, known)
        if wanted is None or wanted == known:
            return before
        now = self._clock()
        written = replace(wanted, updated_at=now)
        version = before.version if before else 0
        event = Event(
            actor=ACTOR,
            action=LedgerAction.TICKET_WRITTEN,
            outcome=Outcome.DONE,
            reason=None if told else "not_found_at_source",
            ids={"ticket": written.ticket_id},
            details=entries.details(written),
        )
        save = Save(written, expected=version)
        self._journal.record(BROKER_CHAIN, event, now=now, saves=[save])
        return Versioned(written, version + 1)


def _as_told(told: Ticket | None, known: Ticket | None) -> Ticket | None:
    """The record that should be there; None for none.

    What is gone is kept as closed. The same, told again, is only an end of the source's silence.
    """
    if told is None:
        gone = TicketStatus.CLOSED
        return None if known is None else replace(known, status=gone, silent_since=None)
    if known is not None and told.says_the_same(known):
        return replace(known, silent_since=None)
    return told


@dataclass(frozen=True, slots=True, kw_only=True)
class _Heard:
    """When a ticket was last asked for, and whether it was there."""

    at: datetime
    found: bool

    def counts(self, now: datetime) -> bool:
        lasts = FRESH_FOR if self.found else MISSING_FOR
        return self.at <= now < self.at + lasts


class _Answers:
    """The last answers, those that were given first forgotten first."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._heard: OrderedDict[TicketId, _Heard] = OrderedDict()

    def recent(self, ticket_id: TicketId, *, now: datetime) -> _Heard | None:
        with self._lock:
            heard = self._heard.get(ticket_id)
        return heard if heard is not None and heard.counts(now) else None

    def note(self, ticket_id: TicketId, heard: _Heard) -> None:
        with self._lock:
            self._heard[ticket_id] = heard
            self._heard.move_to_end(ticket_id)
            while len(self._heard) > AT_MOST:
                self._heard.popitem(last=False)
