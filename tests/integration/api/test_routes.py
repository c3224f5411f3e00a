"""Every route there is stands in the matrix of permissions, or among those that are open."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from unittest.mock import create_autospec

import httpx
import pytest
from flask import Blueprint, Flask

from broker.services.hooks.reception import HookReception
from broker.services.identity.sign_in import SignIn
from broker.web.application import create_app
from broker.web.metrics import Metrics
from broker.web.pages import SECTIONS
from tests.integration.api.samples import ENDPOINTS, SAMPLES
from tests.integration.api.test_permissions import RULES
from tests.integration.api.world import World

OPEN: Mapping[tuple[str, str], str] = {
    ("GET", "/healthz"): "operations, inside the network",
    ("GET", "/readyz"): "operations, inside the network",
    ("GET", "/metrics"): "operations, inside the network",
    ("GET", "/openapi.json"): "public",
    ("GET", "/docs"): "public: the same for people",
    ("GET", "/onboarding/template.yaml"): "public: CloudFormation reads it",
    ("POST", "/hooks/sns"): "SNS's signature on the message",
    ("GET", "/v1/sign-in"): "public: tells terminals where people sign in",
    ("GET", "/"): "public: greets strangers, and leads on who is signed in",
    ("GET", "/static/<digest>/<name>"): "public: the site's style, script and icon",
    ("GET", "/sign-in"): "public: sends the browser to the provider",
    ("GET", "/sign-in/callback"): "the provider's answer, verified, and the attempt's cookie",
    ("POST", "/sign-out"): "the browser's session and its CSRF token",
    ("GET", "/approvals/<secret>"): "a browser's session, and the link's secret",
    ("POST", "/approvals/<secret>"): "a browser's session with its CSRF token, and the secret",
}
"""What Flask serves without asking who is calling, and what it goes by instead."""

PAGES = {(each.method, each.path) for section in SECTIONS for each in section.addresses}
"""The site: `tests/integration/pages` says who may see what of it."""


def everything(world: World) -> Flask:
    """The application with all its parts, those too that these settings leave out."""
    services = replace(
        world.services,
        hook_reception=create_autospec(HookReception, instance=True),
        sign_in=create_autospec(SignIn, instance=True),
    )
    flask = create_app(services, Metrics())._behind
    assert isinstance(flask, Flask)
    return flask


def served(flask: Flask) -> set[tuple[str, str]]:
    """Every method at every path that Flask serves, whatever blueprint it comes from."""
    return {
        (method, rule.rule)
        for rule in flask.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD"}
    }


OPERATIONS = {(endpoint.method, endpoint.path) for endpoint in ENDPOINTS.values()}


def test_every_route_stands_in_the_matrix(world: World) -> None:
    """A new route fails here until somebody says who may use it."""
    assert served(everything(world)) == OPERATIONS | OPEN.keys() | PAGES
    assert RULES.keys() == ENDPOINTS.keys() == SAMPLES.keys()
    assert OPERATIONS.isdisjoint(OPEN)
    assert all(path.startswith("/v1/") for _, path in OPERATIONS)


def test_no_new_route_escapes(world: World) -> None:
    """Neither one of the application's own, nor one of a blueprint, nor another method."""
    flask, later = everything(world), Blueprint("later", __name__, url_prefix="/later")
    later.add_url_rule("/page", view_func=lambda: "", methods=["GET"])
    flask.register_blueprint(later)
    flask.add_url_rule("/new", "new", lambda: "", methods=["POST"])
    flask.add_url_rule("/v1/me", "also_me", lambda: "", methods=["DELETE"])
    new = {("GET", "/later/page"), ("POST", "/new"), ("DELETE", "/v1/me")}
    assert served(flask) - OPERATIONS - OPEN.keys() - PAGES == new


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "OPTIONS"])
@pytest.mark.parametrize("path", ["", "x", "x/jwks.json", "%2e%2e/v1/me", "x/../v1/me"])
def test_nothing_below_oidc_reaches_flask(world: World, method: str, path: str) -> None:
    """The fast path in front answers all of it itself: two public documents, else nothing."""
    app = create_app(world.services, Metrics())
    app._behind = create_autospec(app._behind, side_effect=AssertionError("it reached Flask"))
    with httpx.Client(transport=httpx.WSGITransport(app=app), base_url="http://b.test") as client:
        assert client.request(method, f"/oidc/{path}").status_code in (404, 405)
