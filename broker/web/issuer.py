"""The issuers' fast path: discovery and JWKS from memory, in front of Flask.

A WSGI callable of its own, because AWS must find the keys whatever happens behind it (promise 7).
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterable
from http import HTTPStatus
from typing import TYPE_CHECKING

import structlog

from broker.errors import BrokerError, DependencyUnavailable, NotFound, StoreUnavailable
from broker.services.ambient import Clock
from broker.services.issuer.directory import Document, IssuerDirectory, IssuerDocuments
from broker.web import problems
from broker.web.metrics import Metrics

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_PREFIX = "/oidc/"
_PATH = re.compile(r"/oidc/([^/]+)/(\.well-known/openid-configuration|jwks\.json)")
_ENTITY_TAG = re.compile(r'(?:W/)?("[^"]*")')
_log = structlog.get_logger(__name__)

REFRESH_SECONDS = 2.0
"""How soon another process's change is published here."""

LOOKUPS_A_SECOND = 50
"""Store look-ups for issuers not in memory; past that a flood of invented ids gets 503."""


class _MethodNotAllowed(BrokerError):
    code = "method_not_allowed"
    status = HTTPStatus.METHOD_NOT_ALLOWED


class IssuerEndpoint:
    """Answers `/oidc/…` itself and hands everything else on."""

    def __init__(
        self,
        *,
        directory: IssuerDirectory,
        behind: WSGIApplication,
        metrics: Metrics,
        max_age: int,
        clock: Clock,
    ) -> None:
        self._directory = directory
        self._behind = behind
        self._metrics = metrics
        self._cache_control = f"public, max-age={max_age}"
        self._clock = clock
        self._lookups = _Allowance(LOOKUPS_A_SECOND)
        self._stopping = threading.Event()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """WSGI (PEP 3333)."""
        path = environ.get("PATH_INFO", "")
        if not path.startswith(_PREFIX):
            return self._behind(environ, start_response)
        document, status, headers, body = self._answer(environ, path)
        self._metrics.issuer_fetched(document=document, status=status)
        phrase = f"{status.value} {status.phrase}"
        start_response(phrase, [*headers, ("Content-Length", str(len(body)))])
        return [b"" if environ["REQUEST_METHOD"] == "HEAD" else body]

    def _answer(
        self, environ: WSGIEnvironment, path: str
    ) -> tuple[str, HTTPStatus, list[tuple[str, str]], bytes]:
        asked = _PATH.fullmatch(path)
        if asked is None:
            return "none", *_problem(_not_found())
        name = "jwks" if asked[2] == "jwks.json" else "discovery"
        if environ["REQUEST_METHOD"] not in ("GET", "HEAD"):
            status, headers, body = _problem(_MethodNotAllowed("Issuers' documents are only read."))
            return name, status, [*headers, ("Allow", "GET, HEAD")], body
        try:
            found = self._find(asked[1])
        except DependencyUnavailable as e:
            status, headers, body = _problem(e)
            return name, status, [*headers, ("Retry-After", "2")], body
        if found is None:
            return name, *_problem(_not_found())
        document = found.jwks if name == "jwks" else found.discovery
        return name, *self._document(document, environ.get("HTTP_IF_NONE_MATCH"))

    def _find(self, issuer_id: str) -> IssuerDocuments | None:
        found = self._directory.find(issuer_id)
        if found is not None:
            return found
        if not self._lookups.take():
            raise StoreUnavailable("Too many unknown issuers are asked for at the moment.")
        return self._directory.look_up(issuer_id)

    def _document(
        self, document: Document, if_none_match: str | None
    ) -> tuple[HTTPStatus, list[tuple[str, str]], bytes]:
        headers = [("Cache-Control", self._cache_control), ("ETag", document.etag)]
        if if_none_match is not None and _matches(if_none_match, document.etag):
            return HTTPStatus.NOT_MODIFIED, headers, b""
        headers.append(("Content-Type", "application/json"))
        return HTTPStatus.OK, headers, document.body

    def start(self) -> None:
        """Keep the directory fresh from now on, in a thread of this process."""
        threading.Thread(target=self._keep_fresh, name="issuer-refresh", daemon=True).start()

    def stop(self) -> None:
        """End the thread that `start` began."""
        self._stopping.set()

    def _keep_fresh(self) -> None:
        reachable = True
        while not self._stopping.is_set():
            try:
                self._directory.refresh()
                reachable = True
            except DependencyUnavailable:
                if reachable:
                    _log.warning("issuer_documents_stale", fresh_at=str(self._directory.fresh_at))
                reachable = False
            self._metrics.settle()
            self._metrics.issuer_age(fresh_at=self._directory.fresh_at, now=self._clock())
            self._stopping.wait(REFRESH_SECONDS)


def _problem(error: BrokerError) -> tuple[HTTPStatus, list[tuple[str, str]], bytes]:
    request_id = problems.new_request_id()
    headers = [
        ("Content-Type", problems.MEDIA_TYPE),
        ("Cache-Control", "no-store"),
        ("X-Request-Id", request_id),
    ]
    body = problems.document(error, request_id=request_id).encode("ascii")
    return HTTPStatus(error.status), headers, body


def _not_found() -> NotFound:
    return NotFound("There is no such issuer, or no such document of it.")


def _matches(if_none_match: str, etag: str) -> bool:
    """Weak comparison with If-None-Match (RFC 9110, section 13.1.2)."""
    return if_none_match.strip() == "*" or etag in _ENTITY_TAG.findall(if_none_match)


class _Allowance:
    """At most so many takes in any one second of the monotonic clock."""

    def __init__(self, a_second: int) -> None:
        self._a_second = a_second
        self._lock = threading.Lock()
        self._second = 0
        self._taken = 0

    def take(self) -> bool:
        """Whether one more is allowed now."""
        with self._lock:
            second = int(time.monotonic())
            if second != self._second:
                self._second, self._taken = second, 0
            self._taken += 1
            return self._taken <= self._a_second
