"""Signing in from a terminal through Authlib: a public client, which has no secret (RFC 8252)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import Annotated, Any

import httpx
from authlib.oauth2 import OAuth2Client, OAuth2Error  # type: ignore[import-untyped]
from pydantic import BaseModel, Field, ValidationError

from broker.domain.identity.openid_provider import TerminalClient
from broker.openid.provider import OpenIdProvider, is_named
from broker.openid.site import ProviderSite, check_endpoint, unavailable
from broker.openid.transport import AuthlibTransport, Tokens, token_answer

_DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"


class ProviderRefused(Exception):
    """The provider says no. `error` is its code (RFC 6749, section 5.2; RFC 8628, section 3.5)."""

    def __init__(self, error: str) -> None:
        super().__init__(error)
        self.error = error


class NotOffered(Exception):
    """The provider has no endpoint for this."""


class Waiting(Enum):
    """Why a device code gives no tokens yet."""

    PENDING = "authorization_pending"
    SLOW_DOWN = "slow_down"


class DeviceCodes(BaseModel):
    """What a terminal shows, and what it asks with (RFC 8628, section 3.2)."""

    device_code: Annotated[str, Field(min_length=1, repr=False)]
    user_code: Annotated[str, Field(min_length=1, max_length=100)]
    verification_uri: str
    verification_uri_complete: str | None = None
    expires_in: Annotated[float, Field(gt=0)]
    interval: Annotated[float, Field(ge=0)] = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopbackAttempt:
    """One attempt to sign in with a redirect to this machine; good for one answer."""

    redirect_uri: str
    state: str = field(repr=False)
    nonce: str = field(repr=False)
    code_verifier: str = field(repr=False)


class PublicClient:
    """The client that the broker names, at the provider that it names."""

    def __init__(
        self, client: TerminalClient, provider: OpenIdProvider, site: ProviderSite
    ) -> None:
        self._client = client
        self._provider = provider
        self._transport = AuthlibTransport(site)

    def authorization_url(self, attempt: LoopbackAttempt) -> str:
        """Where a browser goes to sign in. Raises DependencyUnavailable, as everything here."""
        # OpenID Connect Core, section 11: without it many give no refresh token.
        asked = {"prompt": "consent"} if "offline_access" in self._client.scope.split() else {}
        url, _ = self._oauth(attempt).create_authorization_url(
            self._provider.metadata().authorization_endpoint,
            state=attempt.state,
            nonce=attempt.nonce,
            code_verifier=attempt.code_verifier,
            scope=self._client.scope,
            **asked,
        )
        return str(url)

    def names_issuer(self, presented: str | None) -> bool:
        """Whether a callback comes from the provider that it was sent to (RFC 9207)."""
        return is_named(self._provider, presented)

    def redeem(self, code: str, attempt: LoopbackAttempt) -> Tokens:
        """The tokens for a code. Raises ProviderRefused."""
        return self._tokens(
            lambda oauth, endpoint: oauth.fetch_token(
                endpoint,
                grant_type="authorization_code",
                code=code,
                code_verifier=attempt.code_verifier,
            ),
            attempt,
        )

    def begin_device_flow(self) -> DeviceCodes:
        """A code for somebody to enter elsewhere. Raises NotOffered and ProviderRefused."""
        endpoint = self._optional(self._provider.metadata().device_authorization_endpoint)
        answer = self._transport.post(
            endpoint,
            data={"scope": self._client.scope},
            headers={"Content-Type": "application/x-www-form-urlencoded"},
            auth=self._oauth().client_auth("none"),
        )
        try:
            given = answer.json()
            if answer.status_code != httpx.codes.OK:
                raise ProviderRefused(str(given["error"]))
            codes = DeviceCodes.model_validate(given)
        except (ValueError, ValidationError, KeyError, TypeError, RecursionError):
            # Not chained: pydantic's error repeats what was sent.
            raise unavailable("its device endpoint answers with something else") from None
        for url in (codes.verification_uri, codes.verification_uri_complete):
            if url is not None:
                check_endpoint(url, issuer=self._provider.issuer)
        return codes

    def poll(self, codes: DeviceCodes) -> Tokens | Waiting:
        """The tokens once somebody has entered the code. Raises ProviderRefused."""
        try:
            return self._tokens(
                lambda oauth, endpoint: oauth.fetch_token(
                    endpoint, grant_type=_DEVICE_GRANT, device_code=codes.device_code
                )
            )
        except ProviderRefused as e:
            if e.error in {waiting.value for waiting in Waiting}:
                return Waiting(e.error)
            raise

    def refresh(self, refresh_token: str) -> Tokens:
        """New tokens; the refresh token may be a new one too. Raises ProviderRefused."""
        return self._tokens(
            lambda oauth, endpoint: oauth.refresh_token(endpoint, refresh_token=refresh_token)
        )

    def revoke(self, refresh_token: str) -> None:
        """End the refresh token at the provider (RFC 7009). Raises NotOffered, ProviderRefused."""
        endpoint = self._optional(self._provider.metadata().revocation_endpoint)
        answer = self._oauth().revoke_token(
            endpoint,
            token=refresh_token,
            token_type_hint="refresh_token",  # noqa: S106 - a kind, not a secret
        )
        if answer.status_code != httpx.codes.OK:
            raise ProviderRefused(f"status_{answer.status_code}")

    def _optional(self, endpoint: str | None) -> str:
        if endpoint is None:
            raise NotOffered
        check_endpoint(endpoint, issuer=self._provider.issuer)
        return endpoint

    def _tokens(
        self, ask: Callable[[OAuth2Client, str], Any], attempt: LoopbackAttempt | None = None
    ) -> Tokens:
        try:
            return token_answer(
                lambda: ask(self._oauth(attempt), self._provider.metadata().token_endpoint)
            )
        except OAuth2Error as e:
            raise ProviderRefused(str(e.error)) from e

    def _oauth(self, attempt: LoopbackAttempt | None = None) -> OAuth2Client:
        return OAuth2Client(
            self._transport,
            client_id=self._client.client_id,
            token_endpoint_auth_method="none",  # noqa: S106 - a method, not a secret
            revocation_endpoint_auth_method="none",
            redirect_uri=attempt.redirect_uri if attempt else None,
            code_challenge_method="S256",
        )
