"""Authlib's grants over our records. Authlib carries no types, hence the ignored subclassing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from authlib.oauth2.rfc6749 import (  # type: ignore[import-untyped]
    InvalidGrantError,
    InvalidRequestError,
)
from authlib.oauth2.rfc6749.grants import (  # type: ignore[import-untyped]
    AuthorizationCodeGrant,
    RefreshTokenGrant,
)
from authlib.oauth2.rfc7636 import CodeChallenge  # type: ignore[import-untyped]
from authlib.oauth2.rfc8628 import DeviceCodeGrant  # type: ignore[import-untyped]
from authlib.oidc.core.grants.code import (  # type: ignore[import-untyped]
    OpenIDCode,
    OpenIDToken,
)

from broker.sandbox.people.devices import Device
from broker.sandbox.people.organisation import ALGORITHM, Client
from broker.sandbox.people.register import Code, Issue, SignedIn
from broker.sandbox.people.signing_key import SigningKey

_ANY_CLIENT = ["client_secret_basic", "client_secret_post", "none"]


class CodeOnce(AuthorizationCodeGrant):  # type: ignore[misc]
    """Authorization code (RFC 6749, section 4.1); `server` is ours, as in all of these."""

    TOKEN_ENDPOINT_AUTH_METHODS = _ANY_CLIENT

    def save_authorization_code(self, code: str, request: Any) -> None:
        """Keep all that must be the same when it is redeemed."""
        asked = request.payload.data
        self.server.register.keep_code(
            Code(
                text=code,
                client_id=request.client.client_id,
                redirect_uri=request.payload.redirect_uri,
                scope=request.scope,
                nonce=asked.get("nonce"),
                code_challenge=asked["code_challenge"],
                code_challenge_method=asked["code_challenge_method"],
                signed_in=request.user,
            )
        )

    def query_authorization_code(self, code: str, client: Client) -> Code | None:
        """Using it up here and not later leaves no moment in which two may have it."""
        found: Code | None = self.server.register.redeem(code, client)
        return found

    def delete_authorization_code(self, authorization_code: Code) -> None:
        """It is used up already."""

    def authenticate_user(self, authorization_code: Code) -> SignedIn:
        """Whoever chose themselves."""
        return authorization_code.signed_in


class S256Only(CodeChallenge):  # type: ignore[misc]
    """PKCE (RFC 7636), demanded where the flow begins and not only where it ends."""

    SUPPORTED_CODE_CHALLENGE_METHOD = ("S256",)

    def validate_code_challenge(self, grant: Any, redirect_uri: str) -> None:
        """Without a method it would be `plain`, which hides nothing."""
        asked = grant.request.payload.data
        if not asked.get("code_challenge") or not asked.get("code_challenge_method"):
            raise InvalidRequestError("PKCE is required: code_challenge, by the method S256.")
        super().validate_code_challenge(grant, redirect_uri)


class RefreshOnce(RefreshTokenGrant):  # type: ignore[misc]
    """Refresh tokens (RFC 6749, section 6), a new one each time."""

    TOKEN_ENDPOINT_AUTH_METHODS = _ANY_CLIENT
    INCLUDE_NEW_REFRESH_TOKEN = True

    def authenticate_refresh_token(self, refresh_token: str) -> Issue | None:
        """Used up at once, as codes are."""
        found: Issue | None = self.server.register.refresh(refresh_token, self.request.client)
        return found

    def authenticate_user(self, refresh_token: Issue) -> SignedIn:
        """Whoever signed in at the beginning."""
        return refresh_token.signed_in

    def revoke_old_credential(self, refresh_token: Issue) -> None:
        """It is used up already."""


class DeviceOnce(DeviceCodeGrant):  # type: ignore[misc]
    """Device code (RFC 8628, section 3.4)."""

    def query_device_credential(self, device_code: str) -> Device | None:
        """The device that asks."""
        found: Device | None = self.server.devices.asking(device_code)
        return found

    def query_user_grant(self, user_code: str) -> tuple[SignedIn | None, bool] | None:
        """By the device's own code: what the person read from it is not unique for ever."""
        del user_code
        verdict: tuple[SignedIn | None, bool] | None = self.server.devices.verdict(self._code)
        return verdict

    def should_slow_down(self, credential: Device) -> bool:
        """Whether it asks too soon."""
        hasty: bool = self.server.devices.hasty(credential.device_code)
        return hasty

    def validate_token_request(self) -> None:
        """As Authlib does, and then the device code is used up."""
        super().validate_token_request()
        if not self.server.devices.release(self._code):
            raise InvalidGrantError("The device code has been used.")

    @property
    def _code(self) -> str:
        return str(self.request.payload.data["device_code"])


class _Signing:
    """What is the same in all identity tokens: who signs, who for, and when somebody signed in."""

    issuer: str
    key: SigningKey

    def resolve_client_private_key(self, client: Client) -> Mapping[str, Any]:
        """One key for all."""
        del client
        return self.key.private

    def get_encode_header(self, client: Client) -> dict[str, str]:
        """Which key it is."""
        del client
        return {"alg": ALGORITHM, "kid": self.key.kid, "typ": "JWT"}

    def get_client_claims(self, client: Client) -> dict[str, str]:
        """For one client, so there is no `azp`."""
        return {"iss": self.issuer, "aud": client.client_id}

    def get_compatible_claims(self, request: Any) -> dict[str, Any]:
        """Refreshing is not signing in, so the time of that stays."""
        claims: dict[str, Any] = super().get_compatible_claims(request)  # type: ignore[misc]
        return {**claims, "auth_time": int(request.user.at.timestamp())}

    def generate_user_info(self, user: SignedIn, scope: str) -> dict[str, Any]:
        """What the scope leads to stands in the token, as with most organisations' providers."""
        return user.person.claims(scope)


class IdentityToken(_Signing, OpenIDToken):  # type: ignore[misc]
    """An identity token beside the tokens of a device, or of a refresh."""

    def __init__(self, issuer: str, key: SigningKey) -> None:
        self.issuer, self.key = issuer, key


class IdentityTokenOfCode(_Signing, OpenIDCode):  # type: ignore[misc]
    """An identity token for a code, with the nonce of the request."""

    def __init__(self, issuer: str, key: SigningKey) -> None:
        super().__init__(require_nonce=False)
        self.issuer, self.key = issuer, key

    def exists_nonce(self, nonce: str, request: Any) -> bool:
        """Clients hold nonces against their own attempts; here a request is read twice."""
        del nonce, request
        return False
