"""Authlib's clients over the bounded HTTP of `broker.openid.site`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

import httpx
from authlib.oauth2 import ClientAuth  # type: ignore[import-untyped]

from broker.openid.site import ProviderSite


@dataclass(frozen=True, slots=True)
class AuthlibTransport:
    """The part of an HTTP session that Authlib's client uses."""

    site: ProviderSite

    def post(
        self, url: str, *, data: Mapping[str, str], headers: Mapping[str, str], auth: ClientAuth
    ) -> httpx.Response:
        """Send a form, authenticated as Authlib says."""
        address, sent, body = auth.prepare("POST", url, dict(headers), urlencode(data))
        return self.site.send("POST", address, headers=sent, content=body.encode("ascii"))
