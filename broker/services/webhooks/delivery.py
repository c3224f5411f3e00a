"""Giving each webhook endpoint its turns.

A turn belongs to one endpoint, wherever it runs, and few turns run at once in a process. So an
endpoint that does not answer delays no other, and no other work either.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import BoundedSemaphore

import structlog

from broker.domain.ledger.entries import Chain
from broker.domain.ports import Agenda, LeaseRepository, Task, TaskKind
from broker.domain.webhooks.delivery import (
    PATIENCE,
    Outage,
    Verdict,
    WebhookCursors,
    WebhookQueue,
)
from broker.domain.webhooks.endpoints import Endpoint, Endpoints
from broker.services.ambient import Clock
from broker.services.calls import Call
from broker.services.webhooks.telling import Overtaken, Place, Telling

TURN = timedelta(seconds=30)
"""How long one endpoint is told before others may have the thread."""

HELD_FOR = 2 * TURN
"""How long an endpoint's lease holds: a turn, and the request that is under way at its end."""

SOON = timedelta(seconds=1)
"""When to look again where somebody else is at it, or where all places are taken."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookDelivery:
    """A worker's handler: tells the endpoint of that name whatever is due.

    `places` are as many as turns may run in this process at once.
    """

    endpoints: Endpoints
    telling: Telling
    cursors: WebhookCursors
    queue: WebhookQueue
    agenda: Agenda
    leases: LeaseRepository
    clock: Clock
    places: BoundedSemaphore

    def __call__(self, name: str, call: Call) -> None:
        """Tell it for a turn, and put it down for its next. Raises where the store is gone."""
        task = Task(TaskKind.WEBHOOK, name)
        endpoint = self.endpoints.named(name)
        if endpoint is None:
            # Whoever knows it, by a newer configuration, finds by comparing what there is to tell.
            self.agenda.conclude(task, next_at=None)
        elif self.places.acquire(blocking=False):
            try:
                self._exclusively(endpoint, task, call)
            finally:
                self.places.release()
        else:
            self._look_again(task)

    def _exclusively(self, endpoint: Endpoint, task: Task, call: Call) -> None:
        name = f"webhook:{endpoint.name}"
        lease = self.leases.acquire(name, holder=call.request_id, ttl=HELD_FOR)
        if lease is None:
            self._look_again(task)
            return
        try:
            next_at = self._turn(endpoint, call)
        finally:
            self.leases.release(lease)
        self.agenda.conclude(task, next_at=next_at)

    def _look_again(self, task: Task) -> None:
        """Hastened, not concluded: whoever is at it now must not take the task away."""
        self.agenda.hasten(task, at=self.clock() + SOON)

    def _turn(self, endpoint: Endpoint, call: Call) -> datetime | None:
        """When the endpoint is to have its next turn; None for when there is something new."""
        ends = self.clock() + TURN
        has_tried = False
        while (now := self.clock()) < ends:
            outage = self.cursors.outage(endpoint.name)
            if outage is not None and outage.until > now:
                if has_tried:
                    self._clear(endpoint, outage, call, ends)
                return outage.until
            chain = self.queue.take(endpoint.name, now=now)
            if chain is None:
                return self.queue.next_due(endpoint.name)
            at = Place(endpoint=endpoint, chain=chain, call=call, ends=ends)
            with _unless_overtaken(at):
                self.telling.go_on(at, outage)
            has_tried = True
        return self.clock()

    def _clear(self, endpoint: Endpoint, outage: Outage, call: Call, ends: datetime) -> None:
        """In a long outage, give up in every chain on what has waited for long enough."""
        if self.clock() - outage.since < PATIENCE[Verdict.UNAVAILABLE]:
            return
        seen: list[Chain] = []
        while self.clock() < ends:
            chain = self.queue.take(endpoint.name, now=self.clock())
            if chain is None:
                break
            seen.append(chain)
            at = Place(endpoint=endpoint, chain=chain, call=call, ends=ends)
            with _unless_overtaken(at):
                self.telling.give_up_what_is_old(at, outage)
        self.queue.put(endpoint.name, seen, at=self.clock())


@contextmanager
def _unless_overtaken(at: Place) -> Iterator[None]:
    """Leave the chain to whoever has taken over."""
    try:
        yield
    except Overtaken:
        _log.warning("webhook_overtaken", endpoint=at.endpoint.name, chain=at.chain)
