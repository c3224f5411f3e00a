"""`/healthz`, `/readyz` and `/metrics`: for those who operate the broker."""

from __future__ import annotations

import json

from flask import Blueprint, Response

from broker.web.metrics import Metrics
from broker.wiring import Services


def blueprint(services: Services, metrics: Metrics) -> Blueprint:
    """The three, without authentication: keep them inside your network."""
    pages = Blueprint("operations", __name__)

    @pages.get("/healthz")
    def healthz() -> Response:
        """The process answers; says nothing of what it depends on."""
        return _json({"status": "ok"}, status=200)

    @pages.get("/readyz")
    def readyz() -> Response:
        """Whether sessions can be opened; `missing` says what hinders, `warnings` what to mend."""
        readiness = services.readiness()
        return _json(
            {
                "status": "not ready" if readiness.missing else "ready",
                "missing": list(readiness.missing),
                "warnings": list(readiness.warnings),
            },
            status=503 if readiness.missing else 200,
        )

    @pages.get("/metrics")
    def exposition() -> Response:
        """Prometheus' text format."""
        return metrics.exposition()

    return pages


def _json(content: dict[str, object], *, status: int) -> Response:
    return Response(json.dumps(content), status=status, content_type="application/json")
