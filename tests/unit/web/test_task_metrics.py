"""What Prometheus reads of the workers."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from broker.domain.ports import TaskKind
from broker.services.observations import WebhookOutcome
from broker.web.metrics import Metrics

DUE = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


def exposed(metrics: Metrics) -> list[str]:
    return metrics.exposition().get_data(as_text=True).splitlines()


def test_tasks_are_counted_by_kind(metrics: Metrics) -> None:
    metrics.task_done(TaskKind.ACCOUNT)
    metrics.task_done(TaskKind.ACCOUNT)
    metrics.task_failed(TaskKind.HOOK)
    lines = exposed(metrics)
    assert 'broker_tasks_done_total{kind="account"} 2.0' in lines
    assert 'broker_tasks_failed_total{kind="hook"} 1.0' in lines


def test_webhooks_are_counted_by_endpoint_and_outcome(metrics: Metrics) -> None:
    metrics.webhook_told("chat", WebhookOutcome.DELIVERED)
    metrics.webhook_told("chat", WebhookOutcome.GIVEN_UP)
    metrics.webhook_told("siem", WebhookOutcome.FAILED)
    lines = exposed(metrics)
    for endpoint, outcome in [("chat", "delivered"), ("chat", "given_up"), ("siem", "failed")]:
        line = f'broker_webhooks_total{{endpoint="{endpoint}",outcome="{outcome}"}} 1.0'
        assert line in lines


def test_the_oldest_entry_that_is_untold_shows_as_a_time(metrics: Metrics) -> None:
    name = 'broker_webhook_oldest_untold_timestamp_seconds{endpoint="chat"}'
    metrics.webhook_waits_since("chat", DUE)
    (line,) = (line for line in exposed(metrics) if line.startswith(name))
    assert float(line.split()[1]) == DUE.timestamp()
    metrics.webhook_waits_since("chat", None)
    assert f"{name} +Inf" in exposed(metrics)


def test_the_longest_due_task_shows_as_a_time(metrics: Metrics) -> None:
    metrics.next_due(DUE)
    (line,) = (line for line in exposed(metrics) if line.startswith("broker_tasks_next_due"))
    assert float(line.split()[1]) == DUE.timestamp()


def test_an_empty_agenda_is_never_late(metrics: Metrics) -> None:
    metrics.next_due(None)
    assert "broker_tasks_next_due_timestamp_seconds +Inf" in exposed(metrics)
