"""HTTP to the provider that the operator named: bounded in size and time, and led nowhere else.

Unlike the hosts of `broker.http.outbound` it may stand in the organisation's own network.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from enum import Enum
from typing import Any
from urllib.parse import urlsplit

import certifi
import httpx
import structlog

from broker.domain.loopback import is_secure
from broker.errors import DependencyUnavailable
from broker.http.packing import UNPACKED, is_packed
from broker.http.time_limits import TimeLimit

CONNECT_SECONDS = 3.0
READ_SECONDS = 5.0
ALTOGETHER_SECONDS = 8.0
LARGEST = 256 * 1024
"""Bytes that are read of an answer: discovery documents and key sets have a few thousand."""

_log = structlog.get_logger(__name__)


def unavailable(why: str) -> DependencyUnavailable:
    """The error for a provider that does not answer as it must; `why` goes to the log only."""
    _log.error("openid_provider_unavailable", why=why)
    error = DependencyUnavailable(
        "Your organisation's sign-in cannot be reached. Try again in a moment.",
        code="sign_in_unavailable",
        extra={"reason": "provider_unreachable"},
    )
    # For whoever has no log: a terminal tells it to the person who sits there.
    error.add_note(why)
    return error


class Proxies(Enum):
    """Which way requests go to the provider."""

    NONE = "straight"
    OF_ENVIRONMENT = "as HTTPS_PROXY and its like say"
    """On people's own machines, which may reach the internet in no other way."""


class ProviderSite:
    """Sends requests to the provider. No cookies, no redirect, no retry."""

    def __init__(self, *, proxies: Proxies = Proxies.NONE) -> None:
        self._proxies = proxies
        # An organisation's own authority is among the system's roots, not among certifi's.
        self._tls = ssl.create_default_context()
        self._tls.load_verify_locations(cafile=certifi.where())

    def document(self, url: str) -> dict[str, Any]:
        """The JSON object at `url`. Raises DependencyUnavailable for anything else."""
        answer = self.send("GET", url)
        if answer.status_code != httpx.codes.OK:
            raise unavailable(f"{url} answers {answer.status_code}")
        try:
            found = answer.json()
        except (ValueError, RecursionError) as e:
            raise unavailable(f"{url} is not JSON") from e
        if not isinstance(found, dict):
            raise unavailable(f"{url} is not a JSON object")
        return found

    def send(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        content: bytes = b"",
    ) -> httpx.Response:
        """The whole answer from `url`, an address that was checked before.

        Raises DependencyUnavailable where there is none within bounds.
        """
        try:
            with self._client(url) as client, TimeLimit(ALTOGETHER_SECONDS) as limit:
                request = client.build_request(
                    method,
                    url,
                    headers={"Accept": "application/json", **UNPACKED, **(headers or {})},
                    content=content,
                )
                request.extensions["trace"] = limit.watch
                return self._exchange(client, request)
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as e:
            raise unavailable(f"{method} {urlsplit(url).netloc}: {type(e).__name__}") from e

    def _client(self, url: str) -> httpx.Client:
        # What is plain is for this machine alone: a proxy would read codes and tokens along.
        by_proxies = self._proxies is Proxies.OF_ENVIRONMENT and urlsplit(url).scheme == "https"
        return httpx.Client(
            verify=self._tls,
            trust_env=by_proxies,
            follow_redirects=False,
            timeout=httpx.Timeout(READ_SECONDS, connect=CONNECT_SECONDS),
        )

    def _exchange(self, client: httpx.Client, request: httpx.Request) -> httpx.Response:
        response = client.send(request, stream=True)
        try:
            if is_packed(response):
                raise unavailable(f"{request.url.host} packs what nobody asked it to pack")
            body = b""
            for part in response.iter_bytes():
                body += part
                if len(body) > LARGEST:
                    raise unavailable(f"{request.url.host} answers too much")
        finally:
            response.close()
        return httpx.Response(response.status_code, content=body, request=request)


def check_address(url: str) -> None:
    """Raise DependencyUnavailable unless it is https, or http to this machine itself."""
    try:
        parts = urlsplit(url)
        allowed = is_secure(parts)
    except ValueError as e:
        raise unavailable("the provider names an address that cannot be read") from e
    if not allowed or not parts.hostname:
        raise unavailable(f"the provider names an address with the scheme {parts.scheme!r}")


def check_endpoint(url: str, *, issuer: str) -> None:
    """Raise DependencyUnavailable unless a provider may lead there.

    One that is elsewhere does not lead us back to this machine, whose services might do what a
    stranger's address asks of them.
    """
    check_address(url)
    if urlsplit(issuer).scheme == "https" and urlsplit(url).scheme != "https":
        raise unavailable("the provider names an address on this machine, where it is not itself")
