"""The provider as a WSGI application under /_people: documents, endpoints, and its pages."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import urlsplit

from authlib.integrations.flask_oauth2 import (  # type: ignore[import-untyped]
    ResourceProtector,
    current_token,
)
from flask import Blueprint, Flask, Response, abort, jsonify, request

from broker.sandbox.calls.answers import Refusal
from broker.sandbox.calls.received import Environ, ReceivedRequest
from broker.sandbox.clock import Clock
from broker.sandbox.people import pages
from broker.sandbox.people.organisation import ALGORITHM, DEVICE_CODE, SCOPES, Organisation
from broker.sandbox.people.server import AccessTokens, Server

PREFIX = "/_people"
"""No bucket of S3 can have this name, for which the path would stand otherwise."""

_LARGEST = 64 * 1024


class PeopleSite:
    """Empty until somebody says who the people are."""

    def __init__(self, clock: Clock, *, url_of: Callable[[], str]) -> None:
        """url_of: the sandbox's own URL, once it listens."""
        self._clock = clock
        self._url_of = url_of
        self._app: Flask | None = None

    def serves(self, path: str) -> bool:
        """Whether a request for `path` is ours."""
        return path == PREFIX or path.startswith(f"{PREFIX}/")

    def open(self, organisation: Organisation) -> str:
        """Let these people sign in from now on, and nobody of before. The issuer."""
        issuer = self._url_of() + PREFIX
        server = Server(organisation, issuer=issuer, clock=self._clock)
        self._app = _application(server)
        return issuer

    def __call__(self, environ: Environ, start_response: Any) -> Iterable[bytes]:
        try:
            ReceivedRequest.read(environ)
        except Refusal:
            return _plainly("413 Content Too Large", "Too large.", start_response)
        if self._app is None:
            told = "Nobody can sign in here yet: see PUT /_sandbox/people."
            return _plainly("404 Not Found", told, start_response)
        return self._app(dict(environ), start_response)


def _plainly(status: str, told: str, start_response: Any) -> Iterable[bytes]:
    body = told.encode()
    headers = [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))]
    start_response(status, headers)
    return [body]


def _application(server: Server) -> Flask:
    app = Flask(__name__, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = _LARGEST
    host = urlsplit(server.issuer).netloc

    @app.before_request
    def only_under_its_name() -> None:
        """A page elsewhere may give our address a name of its own, to read our pages by it."""
        if request.host != host:
            abort(421)

    app.register_blueprint(_documents(server), url_prefix=PREFIX)
    app.register_blueprint(_endpoints(server), url_prefix=PREFIX)
    app.register_blueprint(pages.blueprint(server), url_prefix=PREFIX)
    return app


def _documents(server: Server) -> Blueprint:
    documents = Blueprint("documents", __name__)

    @documents.get("/.well-known/openid-configuration")
    def discovery() -> Response:
        """OpenID Connect Discovery, section 3."""
        return jsonify(_metadata(server.issuer))

    @documents.get("/jwks.json")
    def jwks() -> Response:
        """RFC 7517, section 5."""
        return jsonify(server.jwks())

    return documents


def _metadata(issuer: str) -> dict[str, Any]:
    methods = ["client_secret_basic", "client_secret_post", "none"]
    return {
        "issuer": issuer,
        "authorization_endpoint": f"{issuer}/authorize",
        "token_endpoint": f"{issuer}/token",
        "device_authorization_endpoint": f"{issuer}/device/authorization",
        "revocation_endpoint": f"{issuer}/revocation",
        "userinfo_endpoint": f"{issuer}/userinfo",
        "jwks_uri": f"{issuer}/jwks.json",
        "scopes_supported": list(SCOPES),
        "claims_supported": [
            *("iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "at_hash"),
            *("name", "preferred_username", "email", "email_verified", "groups"),
        ],
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token", DEVICE_CODE],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": [ALGORITHM],
        "token_endpoint_auth_methods_supported": methods,
        "revocation_endpoint_auth_methods_supported": methods,
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": True,
        "prompt_values_supported": ["none", "login", "select_account"],
    }


def _endpoints(server: Server) -> Blueprint:
    endpoints = Blueprint("endpoints", __name__)
    userinfo_for = ResourceProtector()
    userinfo_for.register_token_validator(AccessTokens(server.register))

    @endpoints.post("/token")
    def token() -> Any:
        """RFC 6749, section 3.2."""
        return server.create_token_response()

    @endpoints.post("/device/authorization")
    def device_authorization() -> Any:
        """RFC 8628, section 3.1."""
        return server.create_endpoint_response("device_authorization")

    @endpoints.post("/revocation")
    def revocation() -> Any:
        """RFC 7009, section 2."""
        return server.create_endpoint_response("revocation")

    @endpoints.route("/userinfo", methods=["GET", "POST"])
    @userinfo_for("openid")  # type: ignore[untyped-decorator]
    def userinfo() -> Response:
        """OpenID Connect Core, section 5.3."""
        return jsonify(current_token.signed_in.person.claims(current_token.scope))

    @endpoints.after_request
    def uncached(response: Response) -> Response:
        response.headers["Cache-Control"] = "no-store"
        return response

    return endpoints
