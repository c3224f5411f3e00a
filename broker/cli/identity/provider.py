"""The provider as the terminal's client sees it, and what makes a sign-in of its tokens."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

import structlog

from broker.cli.failures import CommandFailed, CommandRefused
from broker.cli.identity.kept import KeptSignIn
from broker.domain.identity.identity_claims import IdentityRefused, good_until
from broker.domain.identity.openid_provider import TerminalClient
from broker.errors import DependencyUnavailable
from broker.openid.provider import OpenIdProvider
from broker.openid.public_client import ProviderRefused, PublicClient
from broker.openid.site import ProviderSite, Proxies, check_address
from broker.openid.transport import Tokens
from broker.services.ambient import utc_now
from broker.services.identity.identity_tokens import SENTENCES, signed_claims

_LONGEST = 80


@dataclass(frozen=True, slots=True)
class SignInClient:
    """One client at one provider."""

    client: TerminalClient
    documents: OpenIdProvider
    oauth: PublicClient

    @classmethod
    def at(cls, client: TerminalClient) -> SignInClient:
        """Raises DependencyUnavailable where the provider's address is not a safe one."""
        _be_quiet()
        check_address(client.issuer)
        site = ProviderSite(proxies=Proxies.OF_ENVIRONMENT)
        documents = OpenIdProvider(client.issuer, site, clock=utc_now)
        return cls(client, documents, PublicClient(client, documents, site))

    def accepted(self, tokens: Tokens, *, now: datetime, nonce: str | None = None) -> KeptSignIn:
        """The sign-in that verified tokens make.

        Raises IdentityRefused: the broker would not believe the ID token either, and what was
        made for somebody else is not kept, nor sent anywhere.
        """
        claims = signed_claims(tokens.identity_token, self.documents)
        expires_at = good_until(
            claims,
            issuer=self.client.issuer,
            client_id=self.client.client_id,
            nonce=nonce,
            now=now,
        )
        return KeptSignIn(
            issuer=self.client.issuer,
            client_id=self.client.client_id,
            scope=self.client.scope,
            provider_subject=str(claims["sub"]),
            identity_token=tokens.identity_token,
            expires_at=expires_at,
            refresh_token=tokens.refresh_token,
        )


def _be_quiet() -> None:
    """Keep the log off the terminal: what is wrong is told as this command's failure."""
    if not structlog.is_configured():
        structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))


@contextmanager
def told(issuer: str) -> Iterator[None]:
    """Turn what the provider does wrong, and what it refuses, into what commands fail with."""
    shown = printable(issuer)
    try:
        yield
    except DependencyUnavailable as e:
        raise CommandFailed(
            f"You cannot sign in at {shown} now: {reason(e)}. Try again in a moment.", code=e.code
        ) from e
    except ProviderRefused as e:
        raise CommandRefused(
            f"{shown} does not sign you in ({printable(e.error)}).", code="provider_refused"
        ) from e
    except IdentityRefused as e:
        raise CommandRefused(SENTENCES[e.fault], code=e.fault.value) from e


def reason(error: DependencyUnavailable) -> str:
    """Why the provider is of no use, as far as somebody noted it."""
    notes: list[str] = getattr(error, "__notes__", [])
    return printable(notes[0]) if notes else "it cannot be reached"


def printable(text: str, *, longest: int = _LONGEST) -> str:
    """What others wrote, safe for a terminal, and not too long for it."""
    seen = text[:longest]
    return "".join(each if each.isascii() and each.isprintable() else "?" for each in seen)
