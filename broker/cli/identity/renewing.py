"""Renewing a kept sign-in with its refresh token, by one process at a time."""

from __future__ import annotations

from datetime import datetime

from broker.cli.identity.kept import KeptSignIn, KeptSignIns
from broker.cli.identity.provider import SignInClient
from broker.domain.identity.identity_claims import IdentityFault, IdentityRefused
from broker.errors import DependencyUnavailable
from broker.openid.public_client import ProviderRefused

_OVER = "invalid_grant"
"""What is said of a refresh token that is no longer good (RFC 6749, section 5.2)."""


def renewed(kept: KeptSignIns, url: str, now: datetime) -> KeptSignIn | None:
    """The sign-in to `url` for the next request, renewed if it must be; None where it is over.

    Many providers take a refresh token once only, and end everything where it comes a second
    time. So whoever waited for another process looks at what that one has left.
    """
    with kept.locked(url):
        found = kept.find(url)
        if found is None or found.lasts(now):
            return found
        if found.refresh_token is None:
            return found if found.good_at(now) else None
        try:
            new = _refreshed(found, found.refresh_token, now)
        except DependencyUnavailable:
            if found.good_at(now):
                return found
            raise
        except (ProviderRefused, IdentityRefused) as e:
            if isinstance(e, ProviderRefused) and e.error != _OVER:
                if found.good_at(now):
                    return found
                raise
            # It will never work again, and must not be tried with each command from now on.
            kept.keep(url, found.model_copy(update={"refresh_token": None}))
            return found if found.good_at(now) else None
        kept.keep(url, new)
        return new


def _refreshed(found: KeptSignIn, refresh_token: str, now: datetime) -> KeptSignIn:
    client = SignInClient.at(found.client)
    tokens = client.oauth.refresh(refresh_token)
    new = client.accepted(tokens, now=now)
    # OpenID Connect Core, section 12.2.
    if new.provider_subject != found.provider_subject:
        raise IdentityRefused(IdentityFault.BAD_SUBJECT)
    return new
