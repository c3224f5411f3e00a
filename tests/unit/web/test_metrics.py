"""The issuers' fetches are counted late, but each of them once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from broker.web.metrics import Metrics


def fetches(metrics: Metrics, *, document: str, status: str) -> float | None:
    labels = {"document": document, "status": status}
    return metrics.registry.get_sample_value("broker_issuer_fetches_total", labels)


def test_a_fetch_is_put_off_until_the_counters_are_settled():
    metrics = Metrics()
    metrics.issuer_fetched(document="jwks", status=200)
    metrics.issuer_fetched(document="jwks", status=404)
    assert fetches(metrics, document="jwks", status="200") is None
    metrics.settle()
    metrics.settle()
    assert fetches(metrics, document="jwks", status="200") == 1
    assert fetches(metrics, document="jwks", status="404") == 1


def test_whoever_asks_for_the_metrics_gets_what_was_put_off(monkeypatch):
    monkeypatch.delenv("PROMETHEUS_MULTIPROC_DIR", raising=False)
    metrics = Metrics()
    metrics.issuer_fetched(document="discovery", status=200)
    assert (
        b'broker_issuer_fetches_total{document="discovery",status="200"} 1.0'
        in metrics.exposition().data
    )


def test_threads_that_settle_together_lose_nothing_and_count_nothing_twice():
    metrics = Metrics()

    def work(_: int) -> None:
        for _ in range(500):
            metrics.issuer_fetched(document="jwks", status=200)
            metrics.settle()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    metrics.settle()
    assert fetches(metrics, document="jwks", status="200") == 8 * 500
