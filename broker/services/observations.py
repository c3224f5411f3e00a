"""What use cases tell the metrics, as a protocol; the names of steps are label values."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from enum import StrEnum
from time import perf_counter
from typing import Protocol

from broker.domain.ports import TaskKind


class StepName(StrEnum):
    """The measured parts of opening a session."""

    DECIDE = "decide"
    RECORD_INTENT = "record_intent"
    SIGN = "sign"
    EXCHANGE = "exchange"
    RECORD_OUTCOME = "record_outcome"


class WebhookOutcome(StrEnum):
    """What became of a try to tell an endpoint, or of an event in the end."""

    DELIVERED = "delivered"
    FAILED = "failed"
    GIVEN_UP = "given_up"


class Observer(Protocol):
    """Counts what happened; must never raise."""

    def session_opened(self, *, access: str) -> None:
        """A session was opened."""
        ...

    def session_refused(self, *, reason: str) -> None:
        """A session was refused, or failed, with this code."""
        ...

    def glass_broken(self) -> None:
        """Somebody gave themselves a grant in an emergency."""
        ...

    def step_took(self, step: StepName, *, seconds: float) -> None:
        """A part of opening a session took this long, whether it succeeded or not."""
        ...

    def hook_refused(self, *, reason: str) -> None:
        """What came to the hooks' address was not acted on; the reason is one of a few words."""
        ...

    def task_done(self, kind: TaskKind) -> None:
        """A worker is through with a task."""
        ...

    def task_failed(self, kind: TaskKind) -> None:
        """A task raised an error; it is tried again."""
        ...

    def next_due(self, at: datetime | None) -> None:
        """When the task is, or was, due that has waited longest; None where there is none."""
        ...

    def webhook_told(self, endpoint: str, outcome: WebhookOutcome) -> None:
        """An event was sent to an endpoint, or given up."""
        ...

    def webhook_waits_since(self, endpoint: str, at: datetime | None) -> None:
        """When the oldest entry was written that the endpoint has not been told; None for none."""
        ...


class Unobserved:
    """An observer for whoever has no metrics."""

    def session_opened(self, *, access: str) -> None:
        """Forget it."""

    def session_refused(self, *, reason: str) -> None:
        """Forget it."""

    def glass_broken(self) -> None:
        """Forget it."""

    def step_took(self, step: StepName, *, seconds: float) -> None:
        """Forget it."""

    def hook_refused(self, *, reason: str) -> None:
        """Forget it."""

    def task_done(self, kind: TaskKind) -> None:
        """Forget it."""

    def task_failed(self, kind: TaskKind) -> None:
        """Forget it."""

    def next_due(self, at: datetime | None) -> None:
        """Forget it."""

    def webhook_told(self, endpoint: str, outcome: WebhookOutcome) -> None:
        """Forget it."""

    def webhook_waits_since(self, endpoint: str, at: datetime | None) -> None:
        """Forget it."""


@contextmanager
def measured(observer: Observer, step: StepName) -> Iterator[None]:
    """Tell `observer` how long the block took."""
    begun = perf_counter()
    try:
        yield
    finally:
        observer.step_took(step, seconds=perf_counter() - begun)
