"""A store, a clock that stands until it is moved, and webhooks that are driven by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import BoundedSemaphore
from typing import Any

from broker.domain.identifiers import AccountId
from broker.domain.ledger.entries import Chain, Event, LedgerAction, LedgerEntry, Outcome, chain_of
from broker.domain.ports import Task, TaskKind
from broker.domain.webhooks.endpoints import Endpoint, Endpoints, Networks, Url
from broker.domain.webhooks.events import EventType
from broker.domain.webhooks.signature import Secret
from broker.http.outbound import Outbound
from broker.http.webhook_sender import HttpWebhookSender
from broker.services.background.crew import call_of_worker
from broker.services.observations import Unobserved, WebhookOutcome
from broker.services.webhooks.delivery import WebhookDelivery
from broker.services.webhooks.sweep import SWEEP, WebhookSweep
from broker.services.webhooks.telling import Telling
from broker.store import Store, open_store
from tests.contract.store_samples import NOW, ONE, an_account, write

A_SECOND, A_MINUTE, AN_HOUR = (timedelta(seconds=n) for n in (1, 60, 3600))
SECRET = Secret(b"canary-secret-of-an-endpoint!")
EVERYTHING = frozenset(EventType)


@dataclass
class Clock:
    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now

    def move(self, by: timedelta) -> None:
        self.now += by


@dataclass
class Counting(Unobserved):
    """Keeps what the metrics are told."""

    told: list[tuple[str, str]] = field(default_factory=list)
    waits: dict[str, datetime | None] = field(default_factory=dict)

    def webhook_told(self, endpoint: str, outcome: WebhookOutcome) -> None:
        self.told.append((endpoint, outcome.value))

    def webhook_waits_since(self, endpoint: str, at: datetime | None) -> None:
        self.waits[endpoint] = at


def an_endpoint(url: str, *, name: str = "chat", **changes: Any) -> Endpoint:
    endpoint: dict[str, Any] = {
        "name": name,
        "url": Url.parse(url),
        "secrets": (SECRET,),
        "events": EVERYTHING,
        "accounts": None,
        "networks": Networks.LOOPBACK,
    }
    return Endpoint(**{**endpoint, **changes})


def an_event(
    action: LedgerAction = LedgerAction.GRANT_REQUESTED,
    outcome: Outcome = Outcome.DONE,
    **details: Any,
) -> Event:
    return Event(
        actor="jane@vendor.example",
        action=action,
        outcome=outcome,
        reason="to look",
        ids={"ticket": "T-1042"},
        details=details,
    )


NOTHING_TO_TELL = LedgerAction.LEDGER_EXPORTED


@dataclass
class World:
    """One worker's webhooks on a store of its own."""

    store: Store
    endpoints: Endpoints
    clock: Callable[[], datetime]
    places: int = 4
    observer: Counting = field(default_factory=Counting)

    @property
    def delivery(self) -> WebhookDelivery:
        telling = Telling(
            journal=self.store.journal,
            cursors=self.store.webhook_cursors,
            queue=self.store.webhook_queue,
            sender=HttpWebhookSender(Outbound(endpoint_url=None)),
            observer=self.observer,
            retry_after=lambda failures: failures * A_MINUTE,
            clock=self.clock,
        )
        return WebhookDelivery(
            endpoints=self.endpoints,
            telling=telling,
            cursors=self.store.webhook_cursors,
            queue=self.store.webhook_queue,
            agenda=self.store.agenda,
            leases=self.store.leases,
            clock=self.clock,
            places=BoundedSemaphore(self.places),
        )

    @property
    def sweeping(self) -> WebhookSweep:
        return WebhookSweep(
            endpoints=self.endpoints,
            cursors=self.store.webhook_cursors,
            queue=self.store.webhook_queue,
            agenda=self.store.agenda,
            observer=self.observer,
            clock=self.clock,
        )

    def deliver(self, name: str = "chat") -> None:
        """A turn, as a worker gives it: the task is claimed first."""
        self.due_tasks()
        self.delivery(name, call_of_worker())

    def sweep(self) -> None:
        self.sweeping(SWEEP.subject, call_of_worker())

    def register(self, *accounts: AccountId) -> None:
        for each in accounts:
            write(self.store, an_account(each))

    def record(self, *events: Event, of: AccountId | Chain = ONE) -> tuple[LedgerEntry, ...]:
        chain = chain_of(of) if isinstance(of, AccountId) else of
        return self.store.journal.record(chain, *(events or (an_event(),)), now=self.clock())

    def given_up(self, of: AccountId = ONE) -> list[LedgerEntry]:
        entries = self.store.journal.entries(chain_of(of), after=0, limit=1000)
        return [entry for entry in entries if entry.action == LedgerAction.WEBHOOK_GIVEN_UP]

    def due_tasks(self) -> set[Task]:
        """What a worker would claim now, taken out of its sight for long."""
        claimed = self.store.agenda.claim(now=self.clock(), hold=100 * AN_HOUR, limit=100)
        return {task for task in claimed if task.kind is TaskKind.WEBHOOK}


def a_world(url: str, clock: Callable[[], datetime], *endpoints: Endpoint, **more: Any) -> World:
    """The caller closes its store."""
    every = Endpoints(endpoints)
    return World(open_store(url, clock=clock, concerned=every.concerned), every, clock, **more)


def record_unhinted(url: str, *, of: AccountId = ONE) -> LedgerEntry:
    """An event of a process that knows of no webhooks, or dies before it says so."""
    with open_store(url) as store:
        (entry,) = store.journal.record(chain_of(of), an_event(), now=NOW)
    return entry
