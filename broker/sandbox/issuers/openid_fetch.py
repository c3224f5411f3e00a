"""Fetching an issuer's discovery document and keys over HTTP, as STS and IAM do at each call.

Nothing is cached: how long AWS caches is unknown. Every rule here is unconfirmed (no row of the
recordings shows a bad discovery document); the strictest known reading is taken: HTTP 200 only,
at most 1 MiB and 5 s a document, no repeated JSON member, redirects over https to the same host
only, `issuer` equal to the provider's, `jwks_uri` absolute, without user info or fragment. TLS
is trusted by the public authorities alone; a thumbprint earns no trust.
"""

import json
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

import httpx

from broker.sandbox.issuers.issuer_url import is_loopback
from broker.sandbox.lending import LendingTransport

TIMEOUT_SECONDS: Final = 5.0
MAX_BYTES: Final = 1 << 20
MAX_REDIRECTS: Final = 5


class IssuerUnreachableError(Exception):
    """The issuer did not answer in time, or not with HTTP 200: asking again may help."""


class DocumentRefusedError(Exception):
    """The issuer answered with a document that may not be used."""


@dataclass(frozen=True, kw_only=True)
class Discovery:
    """What STS needs of an OpenID Connect Discovery 1.0 document."""

    issuer: str
    jwks_uri: str
    algorithms: frozenset[str]
    """The advertised signing algorithms; empty if the document lists none."""


class IssuerClient:
    """Kept-alive connections; safe to share between threads.

    httpx stands beside `requests`, whose adapters moto replaces by its mocks.
    """

    def __init__(self, *, timeout: float = TIMEOUT_SECONDS) -> None:
        self._timeout = timeout
        self._client = httpx.Client(
            timeout=timeout,
            follow_redirects=False,
            trust_env=False,
            headers={"Accept": "application/json", "Accept-Encoding": "identity"},
            # Shorter than servers keep idle connections, so that none dies under a request.
            transport=LendingTransport(keepalive_expiry=1.0),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close every connection of the pool."""
        self._client.close()

    def discovery(self, issuer: str) -> Discovery:
        """The discovery document of exactly this issuer."""
        url = issuer.removesuffix("/") + "/.well-known/openid-configuration"
        document = self._json_object(url)
        if document.get("issuer") != issuer:
            raise DocumentRefusedError("the discovery document names another issuer")
        jwks_uri = document.get("jwks_uri")
        if not isinstance(jwks_uri, str):
            raise DocumentRefusedError("the discovery document has no jwks_uri")
        _require_allowed(jwks_uri, issuer=issuer)
        return Discovery(
            issuer=issuer,
            jwks_uri=jwks_uri,
            algorithms=_advertised(document.get("id_token_signing_alg_values_supported", [])),
        )

    def keys(self, discovery: Discovery) -> tuple[Mapping[str, Any], ...]:
        """The published JWKs, unchecked, in their order."""
        keys = self._json_object(discovery.jwks_uri).get("keys")
        if not isinstance(keys, list) or not all(isinstance(key, dict) for key in keys):
            raise DocumentRefusedError("the key document has no list of keys")
        return tuple(keys)

    def _json_object(self, url: str) -> dict[str, Any]:
        body = self._get(url)
        try:
            value = json.loads(body.decode("utf-8"), object_pairs_hook=_distinct_members)
        except (ValueError, RecursionError) as error:
            raise DocumentRefusedError("the document is not JSON") from error
        if not isinstance(value, dict):
            raise DocumentRefusedError("the document is not a JSON object")
        return value

    def _get(self, url: str) -> bytes:
        deadline = time.monotonic() + self._timeout
        try:
            location = httpx.URL(url)
            for _ in range(MAX_REDIRECTS + 1):
                with self._client.stream("GET", location) as response:
                    if response.next_request is None:
                        return _body(response, deadline=deadline)
                    location = _redirected(location, response.next_request.url)
        # UnicodeError: a host name that the name service has no form for.
        except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:
            raise IssuerUnreachableError(f"no answer: {type(error).__name__}") from error
        raise IssuerUnreachableError("too many redirects")


def _body(response: httpx.Response, *, deadline: float) -> bytes:
    if response.status_code != httpx.codes.OK:
        raise IssuerUnreachableError(f"HTTP status {response.status_code}")
    body = bytearray()
    for chunk in response.iter_raw():
        body += chunk
        if len(body) > MAX_BYTES:
            raise DocumentRefusedError("the document is larger than 1 MiB")
        if time.monotonic() > deadline:
            raise IssuerUnreachableError("the document took too long")
    return bytes(body)


def _redirected(origin: httpx.URL, target: httpx.URL) -> httpx.URL:
    if target.scheme != "https" or target.host != origin.host:
        raise IssuerUnreachableError("redirected away from the host, or from https")
    return target


def _require_allowed(jwks_uri: str, *, issuer: str) -> None:
    try:
        url = httpx.URL(jwks_uri)
    except httpx.InvalidURL as error:
        raise DocumentRefusedError("jwks_uri is not a URL") from error
    loopback = url.scheme == "http" and is_loopback(url.host) and issuer.startswith("http://")
    if not url.host or not (url.scheme == "https" or loopback):
        raise DocumentRefusedError("jwks_uri is not an https URL")
    if url.userinfo or "#" in jwks_uri:
        raise DocumentRefusedError("jwks_uri has user info or a fragment")


def _advertised(listed: Any) -> frozenset[str]:
    if not isinstance(listed, list) or not all(isinstance(name, str) for name in listed):
        raise DocumentRefusedError("id_token_signing_alg_values_supported is not a list of names")
    return frozenset(listed)


def _distinct_members(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    members: dict[str, Any] = {}
    for name, value in pairs:
        if name in members:
            raise ValueError("a member is repeated")
        members[name] = value
    return members
