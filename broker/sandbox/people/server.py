"""Authlib's authorization server with all that ours can do, and its endpoints beside the grants."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

from authlib.integrations.flask_oauth2 import (  # type: ignore[import-untyped]
    AuthorizationServer,
)
from authlib.oauth2.rfc6749 import (  # type: ignore[import-untyped]
    InvalidGrantError,
    InvalidScopeError,
    UnauthorizedClientError,
)
from authlib.oauth2.rfc6750 import (  # type: ignore[import-untyped]
    BearerTokenGenerator,
    BearerTokenValidator,
)
from authlib.oauth2.rfc7009 import RevocationEndpoint  # type: ignore[import-untyped]
from authlib.oauth2.rfc8628 import DeviceAuthorizationEndpoint  # type: ignore[import-untyped]
from authlib.oauth2.rfc9207 import IssuerParameter  # type: ignore[import-untyped]

from broker.sandbox.clock import Clock
from broker.sandbox.people.devices import DEVICE_LASTS, INTERVAL, Device, Devices
from broker.sandbox.people.grants import (
    CodeOnce,
    DeviceOnce,
    IdentityToken,
    IdentityTokenOfCode,
    RefreshOnce,
    S256Only,
)
from broker.sandbox.people.organisation import (
    DEVICE_CODE,
    SCOPES,
    Client,
    Organisation,
)
from broker.sandbox.people.register import ACCESS_TOKEN_LASTS, Ended, Issue, Register
from broker.sandbox.people.signing_key import SigningKey

_ANY_CLIENT = ["client_secret_basic", "client_secret_post", "none"]


class Server(AuthorizationServer):  # type: ignore[misc]
    """One organisation's authorization server at `issuer`."""

    def __init__(self, organisation: Organisation, *, issuer: str, clock: Clock) -> None:
        super().__init__()
        self.organisation = organisation
        self.issuer = issuer
        self.clock = clock
        self.register = Register(clock)
        self.devices = Devices(clock)
        self.key = SigningKey.new()
        self.scopes_supported = SCOPES
        self.names_itself = _NamesIssuer(issuer)
        self.register_token_generator("default", _Generator())
        self.register_extension(self.names_itself)
        beside = [IdentityToken(issuer, self.key)]
        of_code = [S256Only(required=True), IdentityTokenOfCode(issuer, self.key)]
        self.register_grant(CodeOnce, of_code)
        self.register_grant(RefreshOnce, beside)
        self.register_grant(DeviceOnce, beside)
        self.register_endpoint(_DeviceAuthorization)
        self.register_endpoint(_Revocation)

    def query_client(self, client_id: str) -> Client | None:
        """One of the organisation's."""
        return self.organisation.client(client_id)

    def save_token(self, token: Mapping[str, Any], request: Any) -> None:
        """Keep what is about to be given out, with where it comes from."""
        issue = Issue(
            descent=_descent(request),
            client_id=request.client.client_id,
            scope=token["scope"],
            signed_in=request.user,
            issued_at=self.clock.now(),
            access_token=token["access_token"],
            refresh_token=token.get("refresh_token"),
        )
        try:
            self.register.keep(issue)
        except Ended as e:
            raise InvalidGrantError("It was used by somebody else at the same time.") from e

    def jwks(self) -> dict[str, Any]:
        """The public key."""
        return {"keys": [dict(self.key.public)]}


def _descent(request: Any) -> str:
    """What the grant said it is redeeming."""
    if request.authorization_code is not None:
        return str(request.authorization_code.text)
    before: Issue | None = getattr(request, "refresh_token", None)
    return before.descent if before is not None else str(request.payload.data["device_code"])


class _Generator(BearerTokenGenerator):  # type: ignore[misc]
    """Random tokens, and one to refresh with for who asks for `offline_access`."""

    def __init__(self) -> None:
        super().__init__(_random, _random, int(ACCESS_TOKEN_LASTS.total_seconds()))

    def generate(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """As Authlib does; OpenID Connect Core, section 11."""
        made: dict[str, Any] = super().generate(*args, **kwargs)
        if "offline_access" not in made["scope"].split():
            made.pop("refresh_token", None)
        return made


def _random(**_: object) -> str:
    return secrets.token_urlsafe(32)


class _NamesIssuer(IssuerParameter):  # type: ignore[misc]
    """`iss` beside every code and every error (RFC 9207)."""

    def __init__(self, issuer: str) -> None:
        self._issuer = issuer

    def get_issuer(self) -> str:
        """See IssuerParameter."""
        return self._issuer


class _DeviceAuthorization(DeviceAuthorizationEndpoint):  # type: ignore[misc]
    """Where a device asks for its codes (RFC 8628, section 3.1)."""

    CLIENT_AUTH_METHODS = _ANY_CLIENT
    EXPIRES_IN = int(DEVICE_LASTS.total_seconds())
    INTERVAL = int(INTERVAL.total_seconds())

    def authenticate_client(self, request: Any) -> Client:
        """Only a client that may ask so."""
        client: Client = super().authenticate_client(request)
        if not client.check_grant_type(DEVICE_CODE):
            raise UnauthorizedClientError
        if client.get_allowed_scope(request.payload.scope) is None:
            raise InvalidScopeError
        return client

    def get_verification_uri(self) -> str:
        """Our page."""
        return f"{self.server.issuer}/device"

    def save_device_credential(self, client_id: str, scope: str, data: Mapping[str, Any]) -> None:
        """Let it wait."""
        self.server.devices.keep(
            Device(
                device_code=data["device_code"],
                user_code=data["user_code"],
                client_id=client_id,
                scope=scope,
                begun_at=self.server.clock.now(),
            )
        )


class _Revocation(RevocationEndpoint):  # type: ignore[misc]
    """Where a client signs out (RFC 7009)."""

    CLIENT_AUTH_METHODS = _ANY_CLIENT

    def query_token(self, token_string: str, token_type_hint: str | None) -> Issue | None:
        """A hint may be wrong, so it is not asked."""
        del token_type_hint
        found: Issue | None = self.server.register.of_any(token_string)
        return found

    def revoke_token(self, token: Issue, request: Any) -> None:
        """All that came of the sign-in ends together."""
        del request
        self.server.register.end(token)


class AccessTokens(BearerTokenValidator):  # type: ignore[misc]
    """Whoever asks userinfo shows one."""

    def __init__(self, register: Register) -> None:
        super().__init__()
        self._register = register

    def authenticate_token(self, token_string: str) -> Issue | None:
        """A good one, or None."""
        return self._register.of_access_token(token_string)
