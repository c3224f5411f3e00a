"""Fetching an issuer's documents as AWS does: from outside, without credentials, once."""

from __future__ import annotations

import socket
import ssl
import time
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from urllib.parse import urlsplit

import httpx

from broker.domain.diagnosis.issuer import PATIENCE_OF_STS, Certificate, Fetched, Unreachable
from broker.http.packing import UNPACKED

LARGEST = 64 * 1024
"""Bytes that are read of an answer: ours have two thousand."""

HTTPS = 443


class HttpIssuerSite:
    """The site over HTTP. No proxy, no cookies, no redirect, and never longer than STS waits."""

    def __init__(self, *, patience: timedelta = PATIENCE_OF_STS) -> None:
        self._patience = patience.total_seconds()

    def fetch(self, url: str) -> Fetched | Unreachable:
        """A GET; see `broker.domain.diagnosis.issuer.IssuerSite`."""
        begun = time.monotonic()
        try:
            with httpx.Client(
                trust_env=False, follow_redirects=False, timeout=self._patience
            ) as client:
                return self._answer(client, url, begun)
        except httpx.TimeoutException:
            return Unreachable(f"It did not answer within {self._patience:g} s.")
        except httpx.ConnectError as e:
            if "CERTIFICATE_VERIFY_FAILED" in str(e):
                return Unreachable("Its certificate cannot be verified.")
            return Unreachable("No connection to it could be made.")
        except httpx.HTTPError:
            return Unreachable("The connection broke before the answer was whole.")

    def _answer(self, client: httpx.Client, url: str, begun: float) -> Fetched | Unreachable:
        with client.stream("GET", url, headers=UNPACKED) as response:
            body = b""
            # As it comes: what is packed nevertheless stays so.
            for part in response.iter_raw():
                body += part
                if time.monotonic() - begun > self._patience:
                    return Unreachable(f"It was not all there within {self._patience:g} s.")
                if len(body) > LARGEST:
                    return Unreachable(f"It is larger than {LARGEST // 1024} KiB.")
            return Fetched(
                status=response.status_code,
                cache_control=response.headers.get("Cache-Control", ""),
                location=response.headers.get("Location", ""),
                body=body,
                took=timedelta(seconds=time.monotonic() - begun),
            )

    def certificate(self, url: str) -> Certificate | Unreachable:
        """A TLS handshake that verifies chain and name; see `IssuerSite`."""
        parts = urlsplit(url)
        host = parts.hostname or ""
        context = ssl.create_default_context()
        try:
            with (
                socket.create_connection(
                    (host, parts.port or HTTPS), timeout=self._patience
                ) as plain,
                context.wrap_socket(plain, server_hostname=host) as secured,
            ):
                return _seen(secured)
        except ssl.SSLCertVerificationError as e:
            return Unreachable(f"Its chain is not valid: {e.verify_message}.")
        except ssl.SSLError:
            return Unreachable("The server does not speak TLS as it should.")
        except OSError:
            return Unreachable("No connection to the server could be made.")


def _seen(secured: ssl.SSLSocket) -> Certificate:
    presented = secured.getpeercert() or {}
    expires_at = ssl.cert_time_to_seconds(str(presented["notAfter"]))
    address = str(secured.getpeername()[0])
    return Certificate(
        expires_at=datetime.fromtimestamp(expires_at, UTC),
        address=address,
        is_public=ip_address(address).is_global,
    )
