"""Authlib's clients over the bounded HTTP of `broker.openid.site`, and what they bring back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import httpx
from authlib.oauth2 import ClientAuth  # type: ignore[import-untyped]

from broker.openid.site import ProviderSite, unavailable


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """What the provider gives. Nothing has been checked of the identity token."""

    identity_token: str = field(repr=False)
    refresh_token: str | None = field(repr=False)


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


def token_answer(ask: Callable[[], Mapping[str, Any]]) -> Tokens:
    """The tokens that a token endpoint answers.

    Raises Authlib's OAuth2Error where it refuses, and DependencyUnavailable for an answer that is
    none.
    """
    try:
        answer = ask()
    except (ValueError, RecursionError, httpx.HTTPStatusError) as e:
        raise unavailable("its token endpoint answers with something else than JSON") from e
    identity_token, refresh_token = answer.get("id_token"), answer.get("refresh_token")
    if not isinstance(identity_token, str):
        raise unavailable("its token endpoint gives no identity token")
    return Tokens(
        identity_token=identity_token,
        refresh_token=refresh_token if isinstance(refresh_token, str) else None,
    )
