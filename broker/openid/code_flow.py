"""The authorization code flow through Authlib, over the bounded HTTP of `broker.openid.site`."""

from __future__ import annotations

from authlib.oauth2 import (  # type: ignore[import-untyped]
    OAuth2Client,
    OAuth2Error,
)
from pydantic import SecretStr

from broker.domain.identity.browser_sessions import BrowserSecret, Purpose
from broker.domain.identity.openid_provider import CodeRefused
from broker.openid.provider import OpenIdProvider, ProviderMetadata, is_named
from broker.openid.site import ProviderSite, unavailable
from broker.openid.transport import AuthlibTransport, token_answer


class AuthlibCodeFlow:
    """The CodeFlow of a confidential client. Everything secret in it is derived, nothing kept."""

    def __init__(
        self,
        provider: OpenIdProvider,
        site: ProviderSite,
        *,
        client_id: str,
        client_secret: SecretStr,
        redirect_uri: str,
        scope: str,
    ) -> None:
        self._provider = provider
        self._transport = AuthlibTransport(site)
        self._client_id = client_id
        self._client_secret = client_secret
        self._redirect_uri = redirect_uri
        self._scope = scope

    def authorization_url(self, secret: BrowserSecret) -> str:
        """See the protocol CodeFlow."""
        metadata = self._provider.metadata()
        url, _ = self._client(metadata).create_authorization_url(
            metadata.authorization_endpoint,
            state=secret.derived(Purpose.STATE),
            nonce=secret.derived(Purpose.NONCE),
            code_verifier=secret.derived(Purpose.CODE_VERIFIER),
        )
        return str(url)

    def redeem(self, code: str, secret: BrowserSecret) -> str:
        """See the protocol CodeFlow. The access token that comes with it is not even looked at."""
        metadata = self._provider.metadata()
        try:
            answer = token_answer(
                lambda: self._client(metadata).fetch_token(
                    metadata.token_endpoint,
                    grant_type="authorization_code",
                    code=code,
                    redirect_uri=self._redirect_uri,
                    code_verifier=secret.derived(Purpose.CODE_VERIFIER),
                )
            )
        except OAuth2Error as e:
            if e.error == "invalid_grant":
                raise CodeRefused from e
            raise unavailable(f"its token endpoint refuses the broker: {e.error}") from e
        return answer.identity_token

    def names_issuer(self, presented: str | None) -> bool:
        """See the protocol CodeFlow."""
        return is_named(self._provider, presented)

    def _client(self, metadata: ProviderMetadata) -> OAuth2Client:
        in_header = metadata.takes_secret_in_header
        return OAuth2Client(
            self._transport,
            client_id=self._client_id,
            client_secret=self._client_secret.get_secret_value(),
            token_endpoint_auth_method="client_secret_basic" if in_header else "client_secret_post",
            scope=self._scope,
            redirect_uri=self._redirect_uri,
            code_challenge_method="S256",
        )
