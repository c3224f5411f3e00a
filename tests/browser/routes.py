"""What Flask serves outside the API."""

from __future__ import annotations

from unittest.mock import MagicMock

from flask import Flask

from broker.web.application import create_app
from broker.web.metrics import Metrics
from broker.wiring import Services


def routes(method: str) -> set[str]:
    """Every path that takes `method`, with all parts of the application, those too that the
    settings may leave out."""
    services = MagicMock(spec=Services)
    services.trusted_proxies = 0
    flask = create_app(services, Metrics())._behind
    assert isinstance(flask, Flask)
    return {
        rule.rule
        for rule in flask.url_map.iter_rules()
        if method in (rule.methods or ()) and not rule.rule.startswith("/v1/")
    }
