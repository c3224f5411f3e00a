"""Telling one endpoint what stands in one chain behind its cursor.

Events go out in order, each at least once: the cursor moves after the receiver has accepted, or
after the ledger says that it was given up.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog

from broker.domain.ledger.entries import Chain, Detail, LedgerAction, LedgerEntry, Outcome
from broker.domain.ports import Journal
from broker.domain.webhooks.delivery import (
    Cursor,
    Outage,
    Receipt,
    Verdict,
    WebhookCursors,
    WebhookQueue,
    WebhookSender,
    is_hopeless,
)
from broker.domain.webhooks.endpoints import Endpoint
from broker.domain.webhooks.events import EventType, body_of, event_id
from broker.domain.webhooks.signature import signed_headers
from broker.services.ambient import Clock
from broker.services.calls import Call
from broker.services.observations import Observer, WebhookOutcome

BATCH = 50
"""Entries that are read of a chain at once; then other chains of the endpoint have their turn."""

ARCHIVED = "archived"
"""Why an event is given up whose entry left the store before it was told."""

_GONE = Receipt(verdict=Verdict.UNAVAILABLE)

_log = structlog.get_logger(__name__)


class Overtaken(Exception):
    """The lease lapsed and somebody else moved the cursor: they go on from there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Whom to tell of which chain, on which call, and until when."""

    endpoint: Endpoint
    chain: Chain
    call: Call
    ends: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class _Event:
    """An entry that is to be told."""

    entry: LedgerEntry
    kind: EventType

    def is_hopeless(self, verdict: Verdict, *, failing_since: datetime, now: datetime) -> bool:
        """Whether to give it up."""
        happened_at = datetime.fromisoformat(self.entry.at)
        return is_hopeless(verdict, happened_at=happened_at, failing_since=failing_since, now=now)


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """Tells one endpoint of one chain at a time; whoever calls holds the endpoint's lease."""

    journal: Journal
    cursors: WebhookCursors
    queue: WebhookQueue
    sender: WebhookSender
    observer: Observer
    retry_after: Callable[[int], timedelta]
    clock: Clock

    def go_on(self, at: Place, outage: Outage | None) -> None:
        """Tell what stands behind the cursor, until something has to be waited for.

        The chain is put down again where that is so. Raises Overtaken.
        """
        cursor = self._cursor(at)
        if cursor is None:
            return
        if cursor.next_try_at is not None and cursor.next_try_at > self.clock():
            self._again(at, when=cursor.next_try_at)
            return
        entries = self.journal.entries(at.chain, after=cursor.seq, limit=BATCH)
        cursor = self._past_what_is_gone(at, cursor, entries)
        for event in _events(at.endpoint, entries):
            told = self._tell(at, event, cursor, outage)
            if told is None:
                return
            cursor, outage = told, None
        self._read_through(at, cursor, entries)

    def give_up_what_is_old(self, at: Place, outage: Outage) -> None:
        """Without another try: the endpoint is known to take nothing. Raises Overtaken."""
        cursor = self.cursors.get(at.endpoint.name, at.chain)
        if cursor is None:
            return
        entries = self.journal.entries(at.chain, after=cursor.seq, limit=BATCH)
        for event in _events(at.endpoint, entries):
            if not event.is_hopeless(
                Verdict.UNAVAILABLE, failing_since=outage.since, now=self.clock()
            ):
                return
            cursor = self._given_up(at, event, cursor, _GONE)

    def _cursor(self, at: Place) -> Cursor | None:
        """Where to go on; None where the endpoint has not been started in this chain yet."""
        cursor = self.cursors.get(at.endpoint.name, at.chain)
        if cursor is None and at.endpoint.accounts is None:
            begun = self.cursors.has_begun(at.endpoint.name)
            return self._moved(at, None, Cursor(seq=0)) if begun else None
        return cursor

    def _past_what_is_gone(
        self, at: Place, cursor: Cursor, entries: Sequence[LedgerEntry]
    ) -> Cursor:
        """Over entries that went into the archive before they were told, and say so.

        The last entry of a chain is never archived, so there is one that shows the gap.
        """
        if not entries or entries[0].seq == cursor.seq + 1:
            return cursor
        last_gone = entries[0].seq - 1
        self._record_given_up(
            at,
            reason=ARCHIVED,
            event=event_id(at.chain, cursor.seq + 1),
            details={"entries": last_gone - cursor.seq},
        )
        return self._moved(at, cursor, Cursor(seq=last_gone))

    def _tell(
        self, at: Place, event: _Event, cursor: Cursor, outage: Outage | None
    ) -> Cursor | None:
        """The cursor behind the event; None where it has to be tried again."""
        if self.clock() >= at.ends:
            self._again(at, when=self.clock())
            return None
        receipt = self._sent(at, event)
        if receipt.verdict is Verdict.UNAVAILABLE:
            self._unavailable(at, event, cursor, receipt, outage)
            return None
        if outage is not None:
            self.cursors.set_outage(at.endpoint.name, None)
        if receipt.verdict is Verdict.ACCEPTED:
            return self._moved(at, cursor, Cursor(seq=event.entry.seq))
        return self._not_taken(at, event, cursor, receipt)

    def _sent(self, at: Place, event: _Event) -> Receipt:
        body = body_of(event.entry, event.kind)
        headers = signed_headers(
            body,
            message_id=event_id(at.chain, event.entry.seq),
            at=self.clock(),
            secrets=at.endpoint.secrets,
        )
        receipt = self.sender.send(at.endpoint, body, headers)
        accepted = receipt.verdict is Verdict.ACCEPTED
        self.observer.webhook_told(
            at.endpoint.name, WebhookOutcome.DELIVERED if accepted else WebhookOutcome.FAILED
        )
        return receipt

    def _not_taken(
        self, at: Place, event: _Event, cursor: Cursor, receipt: Receipt
    ) -> Cursor | None:
        """This event was not taken: it holds up the chain that it is in, and no other."""
        now = self.clock()
        since = cursor.failing_since or now
        if event.is_hopeless(receipt.verdict, failing_since=since, now=now):
            return self._given_up(at, event, cursor, receipt)
        failures = cursor.failures + 1
        next_try_at = now + self._pause(failures, receipt)
        failing = replace(cursor, failures=failures, failing_since=since, next_try_at=next_try_at)
        self._moved(at, cursor, failing)
        self._again(at, when=next_try_at)
        return None

    def _unavailable(
        self, at: Place, event: _Event, cursor: Cursor, receipt: Receipt, outage: Outage | None
    ) -> None:
        """Nothing is taken at the moment: all chains wait, and one of them tries again."""
        now = self.clock()
        if outage is None:
            _log.warning("webhook_unavailable", endpoint=at.endpoint.name, status=receipt.status)
        failures = 1 if outage is None else outage.failures + 1
        since = now if outage is None else outage.since
        until = now + self._pause(failures, receipt)
        self.cursors.set_outage(
            at.endpoint.name, Outage(failures=failures, since=since, until=until)
        )
        if event.is_hopeless(receipt.verdict, failing_since=since, now=now):
            self._given_up(at, event, cursor, receipt)
        self._again(at, when=now)

    def _read_through(self, at: Place, cursor: Cursor, entries: Sequence[LedgerEntry]) -> None:
        """Leave behind what is told to nobody, and come back for what was not read yet."""
        if entries and entries[-1].seq > cursor.seq:
            self._moved(at, cursor, replace(cursor, seq=entries[-1].seq))
        if len(entries) == BATCH:
            self._again(at, when=self.clock())

    def _given_up(self, at: Place, event: _Event, cursor: Cursor, receipt: Receipt) -> Cursor:
        """Behind the event; the failing goes on until the endpoint accepts something."""
        self._record_given_up(
            at,
            reason=receipt.verdict.value,
            event=event_id(at.chain, event.entry.seq),
            details={"type": event.kind.value, "status": receipt.status or 0},
        )
        return self._moved(at, cursor, replace(cursor, seq=event.entry.seq))

    def _record_given_up(
        self, at: Place, *, reason: str, event: str, details: Mapping[str, Detail]
    ) -> None:
        """Written into the chain that was to be told of, for whoever reads that."""
        self.observer.webhook_told(at.endpoint.name, WebhookOutcome.GIVEN_UP)
        entry = at.call.event(
            LedgerAction.WEBHOOK_GIVEN_UP,
            Outcome.FAILED,
            reason=reason,
            ids={"endpoint": at.endpoint.name, "event": event},
            details=details,
        )
        self.journal.record(at.chain, entry, now=self.clock())

    def _moved(self, at: Place, cursor: Cursor | None, to: Cursor) -> Cursor:
        if not self.cursors.move(at.endpoint.name, at.chain, expected=cursor, to=to):
            raise Overtaken
        return to

    def _again(self, at: Place, *, when: datetime) -> None:
        self.queue.put(at.endpoint.name, [at.chain], at=when)

    def _pause(self, failures: int, receipt: Receipt) -> timedelta:
        """As long as we would, or as the receiver asks for, whichever is longer."""
        return max(self.retry_after(failures), receipt.retry_after or timedelta(0))


def _events(endpoint: Endpoint, entries: Sequence[LedgerEntry]) -> list[_Event]:
    return [
        _Event(entry=entry, kind=kind)
        for entry in entries
        if (kind := endpoint.told_as(entry)) is not None
    ]
