"""Signing in through the organisation's OpenID provider, where the settings name one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from broker.domain.identity.browser_sessions import CALLBACK_PATH, SessionLimits
from broker.domain.identity.identity_claims import Demands
from broker.domain.identity.openid_provider import TerminalClient
from broker.domain.limits import Limit
from broker.openid.code_flow import AuthlibCodeFlow
from broker.openid.provider import OpenIdProvider
from broker.openid.site import ProviderSite
from broker.services.ambient import utc_now
from broker.services.identity.authentication import Authentication, Authenticator, CredentialKind
from broker.services.identity.browser_sessions import BrowserSessions
from broker.services.identity.identity_tokens import IdentityTokenBearers, IdentityTokens
from broker.services.identity.people import People
from broker.services.identity.sign_in import SignIn
from broker.settings import Settings
from broker.wiring.foundation import Foundation

BEGUN_PER_ADDRESS = Limit.parse("300/300")
"""A whole office begins its day behind one address; nobody fills the store from one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """The organisation's provider, and the people whom it vouches for."""

    documents: OpenIdProvider
    site: ProviderSite
    people: People
    browser_sessions: BrowserSessions
    bearers: IdentityTokenBearers | None

    def authenticators(self) -> Mapping[CredentialKind, Authenticator]:
        """How its people show who they are."""
        found: dict[CredentialKind, Authenticator] = {
            CredentialKind.BROWSER_SESSION: self.browser_sessions
        }
        if self.bearers is not None:
            found[CredentialKind.IDENTITY_TOKEN] = self.bearers
        return found


def build_provider(base: Foundation) -> Provider | None:
    """The provider that the settings name, or None."""
    settings = base.settings
    if settings.oidc_issuer is None or settings.roles_file is None:
        return None
    site = ProviderSite()
    documents = OpenIdProvider(settings.oidc_issuer, site, clock=utc_now)
    people = People(settings.roles_file)
    bearers = None
    if settings.oidc_cli_client_id is not None:
        tokens = _identity_tokens(settings, documents, client_id=settings.oidc_cli_client_id)
        bearers = IdentityTokenBearers(identity_tokens=tokens, people=people)
    return Provider(
        documents=documents,
        site=site,
        people=people,
        browser_sessions=BrowserSessions(
            sessions=base.store.browser_sessions,
            people=people,
            limits=SessionLimits(
                idle=timedelta(seconds=settings.sign_in_idle_seconds),
                absolute=timedelta(seconds=settings.sign_in_absolute_seconds),
            ),
            journal=base.store.journal,
            clock=utc_now,
            entropy=base.entropy,
        ),
        bearers=bearers,
    )


def terminal_client(settings: Settings) -> TerminalClient | None:
    """What terminals are told to sign in with; None where the API takes no ID tokens."""
    if settings.oidc_issuer is None or settings.oidc_cli_client_id is None:
        return None
    return TerminalClient(
        issuer=settings.oidc_issuer,
        client_id=settings.oidc_cli_client_id,
        scope=settings.oidc_cli_scope or settings.oidc_scope,
    )


def build_sign_in(
    base: Foundation, provider: Provider | None, authentication: Authentication
) -> SignIn | None:
    """Signing in with a browser; None where there is no provider."""
    settings = base.settings
    client_id, client_secret = settings.oidc_client_id, settings.oidc_client_secret
    if provider is None or client_id is None or client_secret is None:
        return None
    return SignIn(
        flow=AuthlibCodeFlow(
            provider.documents,
            provider.site,
            client_id=client_id,
            client_secret=client_secret,
            redirect_uri=settings.people_url + CALLBACK_PATH,
            scope=settings.oidc_scope,
        ),
        identity_tokens=_identity_tokens(settings, provider.documents, client_id=client_id),
        people=provider.people,
        browser_sessions=provider.browser_sessions,
        attempts=base.store.browser_sessions,
        credential_watch=authentication,
        windows=base.store.windows,
        begun_per_address=BEGUN_PER_ADDRESS,
        journal=base.store.journal,
        clock=utc_now,
        entropy=base.entropy,
    )


def _identity_tokens(
    settings: Settings, documents: OpenIdProvider, *, client_id: str
) -> IdentityTokens:
    return IdentityTokens(
        keys=documents,
        demands=Demands(
            issuer=documents.issuer,
            client_id=client_id,
            subject_claim=settings.oidc_subject_claim,
            groups_claim=settings.oidc_groups_claim,
        ),
        clock=utc_now,
    )
