"""`/metrics`: what the broker counts and times, for Prometheus.

No label holds an account, a person or a ticket: those belong to the ledger.
"""

from __future__ import annotations

import math
import os
from collections import Counter as Tally
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime

from flask import Response
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
    multiprocess,
)

from broker.domain.ports import TaskKind
from broker.services.observations import StepName, WebhookOutcome

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class Metrics:
    """The process's metrics; an `Observer` for the use cases, and counters for the issuer."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._opened = Counter(
            "broker_sessions_opened", "Sessions opened", ["access"], registry=self.registry
        )
        self._refused = Counter(
            "broker_sessions_refused",
            "Session requests that got no credentials, by code",
            ["reason"],
            registry=self.registry,
        )
        self._glass_broken = Counter(
            "broker_glass_broken",
            "Grants that engineers gave themselves in an emergency",
            registry=self.registry,
        )
        self._steps = Histogram(
            "broker_session_step_seconds",
            "Time of each step of opening a session",
            ["step"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._fetches = Counter(
            "broker_issuer_fetches",
            "Requests for discovery and JWKS, by document and status",
            ["document", "status"],
            registry=self.registry,
        )
        self._fetched: deque[tuple[str, int]] = deque()
        self._age = Gauge(
            "broker_issuer_documents_age_seconds",
            "Seconds since the issuers' documents were last compared with the store",
            registry=self.registry,
            multiprocess_mode="livemax",
        )
        self._hooks_refused = Counter(
            "broker_hooks_refused",
            "Messages to the hooks' address that were not acted on, by reason",
            ["reason"],
            registry=self.registry,
        )
        self._done = Counter(
            "broker_tasks_done",
            "Tasks that a worker is through with",
            ["kind"],
            registry=self.registry,
        )
        self._failed = Counter(
            "broker_tasks_failed",
            "Tries of a task that raised an error, to be repeated",
            ["kind"],
            registry=self.registry,
        )
        # A time and not an age: an age would stand still when no worker is left to report it.
        self._due = Gauge(
            "broker_tasks_next_due_timestamp_seconds",
            "When the task is or was due that has waited longest; +Inf where there is none",
            registry=self.registry,
            multiprocess_mode="mostrecent",
        )

        self._webhooks = Counter(
            "broker_webhooks",
            "Tries to tell a webhook endpoint, and events that were given up",
            ["endpoint", "outcome"],
            registry=self.registry,
        )
        self._webhook_waits = Gauge(
            "broker_webhook_oldest_untold_timestamp_seconds",
            "When the oldest entry was written that a webhook endpoint has not been told; "
            "+Inf where there is none",
            ["endpoint"],
            registry=self.registry,
            multiprocess_mode="mostrecent",
        )

    def session_opened(self, *, access: str) -> None:
        """A session was opened."""
        self._opened.labels(access).inc()

    def session_refused(self, *, reason: str) -> None:
        """A session was refused, or failed, with this code."""
        self._refused.labels(reason).inc()

    def glass_broken(self) -> None:
        """Somebody gave themselves a grant in an emergency."""
        self._glass_broken.inc()

    def step_took(self, step: StepName, *, seconds: float) -> None:
        """A part of opening a session took this long."""
        self._steps.labels(step.value).observe(seconds)

    def hook_refused(self, *, reason: str) -> None:
        """A message was not acted on."""
        self._hooks_refused.labels(reason).inc()

    def task_done(self, kind: TaskKind) -> None:
        """A worker is through with a task."""
        self._done.labels(kind.value).inc()

    def task_failed(self, kind: TaskKind) -> None:
        """A task raised an error."""
        self._failed.labels(kind.value).inc()

    def next_due(self, at: datetime | None) -> None:
        """When the task is or was due that has waited longest."""
        self._due.set(math.inf if at is None else at.timestamp())

    def webhook_told(self, endpoint: str, outcome: WebhookOutcome) -> None:
        """An event was sent to an endpoint, or given up."""
        self._webhooks.labels(endpoint, outcome.value).inc()

    def webhook_waits_since(self, endpoint: str, at: datetime | None) -> None:
        """When the oldest entry was written that the endpoint has not been told."""
        self._webhook_waits.labels(endpoint).set(math.inf if at is None else at.timestamp())

    def issuer_fetched(self, *, document: str, status: int) -> None:
        """Discovery or a JWKS was asked for; `settle` counts it.

        A counter takes a lock that all threads share, and under load they would spend a sixth of
        the issuers' fast path on handing it to each other. Appending to a deque takes none.
        """
        self._fetched.append((document, status))

    def settle(self) -> None:
        """Count what was put off. Whoever calls this decides how late the counters may be."""
        for (document, status), times in Tally(self._put_off()).items():
            self._fetches.labels(document, str(status)).inc(times)

    def issuer_age(self, *, fresh_at: datetime | None, now: datetime) -> None:
        """How old the issuers' documents are, at most."""
        if fresh_at is not None:
            self._age.set((now - fresh_at).total_seconds())

    def exposition(self) -> Response:
        """All of it, over every worker process where there are several."""
        self.settle()
        registry = self.registry
        # Not a setting of ours: prometheus_client itself looks at this variable, when it is
        # imported, and gunicorn's configuration sets it before that.
        if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
            registry = CollectorRegistry()
            multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)

    def _put_off(self) -> Iterator[tuple[str, int]]:
        with suppress(IndexError):  # Another thread may be settling too.
            for _ in range(len(self._fetched)):
                yield self._fetched.popleft()
