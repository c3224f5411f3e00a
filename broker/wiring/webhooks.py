"""Webhooks: whom the worker tells, and what an operator may ask of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from threading import BoundedSemaphore

from broker.domain.ports import Task, TaskKind
from broker.http.outbound import Outbound
from broker.http.webhook_sender import HttpWebhookSender
from broker.services.ambient import utc_now
from broker.services.background.backoff import retry_after
from broker.services.background.crew import Handler
from broker.services.webhooks.delivery import WebhookDelivery
from broker.services.webhooks.endpoints import Webhooks
from broker.services.webhooks.sweep import SWEEP, WebhookSweep
from broker.services.webhooks.telling import Telling
from broker.wiring.foundation import Foundation

_retry_after = partial(retry_after, first=timedelta(seconds=10), longest=timedelta(hours=1))
"""How long an endpoint, or one event, is left alone after so many failures."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookWork:
    """What a worker does for webhooks, and what an operator may ask."""

    webhooks: Webhooks
    handlers: Mapping[TaskKind, Handler]
    standing: tuple[Task, ...]


def build_webhooks(base: Foundation) -> WebhookWork:
    """All of it, on one foundation. Without endpoints a worker puts nothing down by itself."""
    store, endpoints = base.store, base.settings.webhooks_file
    # Receivers are not AWS, so the sandbox does not stand in for them.
    sender = HttpWebhookSender(Outbound(endpoint_url=None))
    telling = Telling(
        journal=store.journal,
        cursors=store.webhook_cursors,
        queue=store.webhook_queue,
        sender=sender,
        observer=base.observer,
        retry_after=_retry_after,
        clock=utc_now,
    )
    delivery = WebhookDelivery(
        endpoints=endpoints,
        telling=telling,
        cursors=store.webhook_cursors,
        queue=store.webhook_queue,
        agenda=store.agenda,
        leases=store.leases,
        clock=utc_now,
        # Half of the threads are always there for other work.
        places=BoundedSemaphore(max(1, base.settings.worker_threads // 2)),
    )
    sweep = WebhookSweep(
        endpoints=endpoints,
        cursors=store.webhook_cursors,
        queue=store.webhook_queue,
        agenda=store.agenda,
        observer=base.observer,
        clock=utc_now,
    )
    return WebhookWork(
        webhooks=Webhooks(
            endpoints=endpoints, cursors=store.webhook_cursors, sender=sender, clock=utc_now
        ),
        handlers={TaskKind.WEBHOOK: delivery, TaskKind.WEBHOOK_SWEEP: sweep},
        standing=(SWEEP,) if endpoints.every else (),
    )
