"""The WSGI application: Flask for the API, behind the issuers' fast path."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING

import structlog
from flask import Flask, Response, g, jsonify, request
from gunicorn.http.errors import ParseException
from werkzeug.exceptions import BadRequest, RequestEntityTooLarge
from werkzeug.middleware.proxy_fix import ProxyFix

from broker.domain.onboarding import template
from broker.services.calls import Call
from broker.web import approvals, hooks, openapi, operations, pages, problems, sign_in
from broker.web.api import APIS, PUBLIC_APIS
from broker.web.auth import Browsers, authenticate
from broker.web.cookies import Cookies
from broker.web.endpoints import MAX_BODY, mount
from broker.web.issuer import IssuerEndpoint
from broker.web.metrics import Metrics
from broker.web.pages import assets, problem_page, showing
from broker.web.reference import page as reference
from broker.wiring import Services

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

_log = structlog.get_logger("broker.access")


def create_app(services: Services, metrics: Metrics) -> IssuerEndpoint:
    """Everything that is served. Call `start()` on it once the process has forked."""
    flask_app = _flask(services, metrics)
    behind: WSGIApplication = flask_app
    if services.trusted_proxies:
        behind = ProxyFix(flask_app, x_for=services.trusted_proxies)
    return IssuerEndpoint(
        directory=services.issuers,
        behind=behind,
        metrics=metrics,
        max_age=services.jwks_max_age,
        clock=services.clock,
    )


def _flask(services: Services, metrics: Metrics) -> Flask:
    app = Flask("broker", static_folder=None, template_folder="web/templates")
    # One more than we take: a body that does not tell its length is cut off here, silently.
    app.config["MAX_CONTENT_LENGTH"] = hooks.MAX_BODY + 1
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False
    # An address with one slash too many is another address, not a redirect.
    app.url_map.merge_slashes = False
    app.before_request(_begin)
    app.after_request(_finish)
    app.teardown_request(_end)
    problems.register(app)
    problem_page.register(app)
    assets.register(app)
    showing.register(app)

    cookies = Cookies(services.public_url)
    browsers = _browsers(services, cookies)

    def caller() -> Call:
        call = authenticate(services.authentication, browsers)
        services.limiter.require_request(call)
        return call

    mount(
        app,
        (*APIS, *PUBLIC_APIS),
        authenticate=caller,
        idempotency=services.idempotency,
        services=services,
    )
    app.register_blueprint(operations.blueprint(services, metrics))
    if services.hook_reception is not None:
        app.register_blueprint(hooks.blueprint(services.hook_reception))
    if services.sign_in is not None:
        app.register_blueprint(sign_in.blueprint(services.sign_in, cookies, caller))
        app.register_blueprint(approvals.blueprint(services.granting.links, caller, services.clock))
    app.register_blueprint(pages.blueprint(services, caller))
    _add_descriptions(app)
    return app


def _browsers(services: Services, cookies: Cookies) -> Browsers | None:
    """Where people can sign in; else nobody comes with a browser's session."""
    if services.sign_in is None:
        return None
    return Browsers(services.sign_in.browser_sessions, cookies)


def _add_descriptions(app: Flask) -> None:
    description = openapi.document((*APIS, *PUBLIC_APIS), version=version("support-access-broker"))
    onboarding_template = template()

    reference.register(app, description)

    @app.get("/openapi.json")
    def describe_api() -> Response:
        return jsonify(description)

    @app.get("/onboarding/template.yaml")
    def onboarding() -> Response:
        return Response(onboarding_template, content_type="application/yaml")


def _begin() -> None:
    g.request_id = problems.new_request_id()
    structlog.contextvars.bind_contextvars(request_id=g.request_id)
    _read_body()


def _read_body() -> None:
    """Read the whole body before anything is answered, or refuse it for its size.

    While gunicorn discards a body that nobody has read, it may swallow the beginning of the next
    request on the connection, which then waits for an answer for ever.
    """
    largest = hooks.MAX_BODY if request.path == hooks.PATH else MAX_BODY
    try:
        body = request.get_data(cache=True)
    except ParseException as e:  # behind the last chunk stands what no trailer may say
        raise BadRequest from e
    if len(body) > largest:
        raise RequestEntityTooLarge


def _finish(response: Response) -> Response:
    response.headers["X-Request-Id"] = g.request_id
    response.headers["X-Content-Type-Options"] = "nosniff"
    # Only what says so itself, the site's own files, may be kept by anybody.
    response.headers["Cache-Control"] = g.get("cache_control", "no-store")
    # The route, not the address: people leave secrets in paths and in queries. What a write was
    # about stands in the ledger under the same id.
    _log.info(
        "request",
        method=request.method,
        route=str(request.url_rule) if request.url_rule else None,
        status=response.status_code,
        source=request.remote_addr,
    )
    return response


def _end(error: BaseException | None) -> None:  # noqa: ARG001 - Flask's signature
    # A thread goes on to other connections; what it logs there is not of this request.
    structlog.contextvars.clear_contextvars()
