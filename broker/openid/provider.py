"""The provider's discovery document and keys, fetched when they are needed and kept for a while."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from broker.domain.identity.openid_provider import ProviderKey
from broker.errors import DependencyUnavailable
from broker.openid.keys import read_keys
from broker.openid.site import ProviderSite, check_endpoint, unavailable

FRESH_FOR = timedelta(minutes=10)
"""After that the documents are fetched again at the next use."""

KEPT_FOR = timedelta(hours=1)
"""For so long they are good enough while the provider does not answer. After that nobody is
believed: a key may have been withdrawn."""

FLOOR = timedelta(seconds=30)
"""The least time between two fetches: tokens that name unknown keys must not make us fetch."""

WAIT_SECONDS = 3.0
"""How long a request waits for the fetch of another one."""

_DISCOVERY = "/.well-known/openid-configuration"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderMetadata:
    """What counts of a discovery document (OpenID Connect Discovery, section 3)."""

    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    takes_secret_in_header: bool
    names_itself: bool
    """Its callbacks carry `iss` (RFC 9207)."""
    device_authorization_endpoint: str | None = None
    """RFC 8628. Optional, as the next one: looked at only where it is needed."""
    revocation_endpoint: str | None = None
    """RFC 7009."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kept:
    metadata: ProviderMetadata
    keys: Mapping[str, ProviderKey]
    fetched_at: datetime

    def fresh(self, now: datetime) -> bool:
        return self.fetched_at <= now < self.fetched_at + FRESH_FOR

    def good(self, now: datetime) -> bool:
        return self.fetched_at <= now < self.fetched_at + KEPT_FOR


class OpenIdProvider:
    """The provider at `issuer`. Safe to use from many threads; one of them fetches at a time."""

    def __init__(self, issuer: str, site: ProviderSite, *, clock: Callable[[], datetime]) -> None:
        self.issuer = issuer
        self._site = site
        self._clock = clock
        self._fetching = threading.Lock()
        self._kept: _Kept | None = None
        self._tried_at: datetime | None = None

    def metadata(self) -> ProviderMetadata:
        """The discovery document. Raises DependencyUnavailable (`sign_in_unavailable`)."""
        return self._documents(lambda _: True).metadata

    def key(self, kid: str) -> ProviderKey | None:
        """See the protocol ProviderKeys. An unknown id is looked for once more, if it is time."""
        return self._documents(lambda kept: kid in kept.keys).keys.get(kid)

    def _documents(self, enough: Callable[[_Kept], bool]) -> _Kept:
        kept, now = self._kept, self._clock()
        usable = kept if kept is not None and kept.good(now) and enough(kept) else None
        if usable is not None and usable.fresh(now):
            return usable
        # Whoever can do with what is kept does not wait for another's fetch, and nobody for long:
        # a provider that is slow must not hold up all of our threads.
        if not self._fetching.acquire(timeout=0 if usable is not None else WAIT_SECONDS):
            if usable is not None:
                return usable
            raise unavailable("it has not answered another request yet")
        try:
            return self._refreshed(enough)
        finally:
            self._fetching.release()

    def _refreshed(self, enough: Callable[[_Kept], bool]) -> _Kept:
        """What is kept, after a fetch if it is time for one; only with the lock."""
        kept, now = self._kept, self._clock()
        good = kept if kept is not None and kept.good(now) else None
        # Also true for whoever waited while another thread fetched.
        if self._tried_at is not None and self._tried_at <= now < self._tried_at + FLOOR:
            if good is None:
                raise unavailable("it did not answer a moment ago")
            return good
        self._tried_at = now
        try:
            self._kept = self._fetch(now)
        except DependencyUnavailable:
            if good is None or not enough(good):
                raise
            return good
        return self._kept

    def _fetch(self, now: datetime) -> _Kept:
        metadata = self._read(self._site.document(self.issuer.rstrip("/") + _DISCOVERY))
        keys = read_keys(self._site.document(metadata.jwks_uri))
        if not keys:
            raise unavailable("its JWKS holds no key that can be used")
        return _Kept(metadata=metadata, keys=keys, fetched_at=now)

    def _read(self, document: Mapping[str, Any]) -> ProviderMetadata:
        """Section 4.3: the issuer must be exactly the one that was asked for."""
        if document.get("issuer") != self.issuer:
            raise unavailable("its discovery document names another issuer than BROKER_OIDC_ISSUER")
        methods = document.get("token_endpoint_auth_methods_supported")
        return ProviderMetadata(
            authorization_endpoint=self._address(document, "authorization_endpoint"),
            token_endpoint=self._address(document, "token_endpoint"),
            jwks_uri=self._address(document, "jwks_uri"),
            # The default of section 3, where the provider does not say.
            takes_secret_in_header=not isinstance(methods, list)
            or "client_secret_basic" in methods,
            names_itself=document.get("authorization_response_iss_parameter_supported") is True,
            device_authorization_endpoint=_text(document, "device_authorization_endpoint"),
            revocation_endpoint=_text(document, "revocation_endpoint"),
        )

    def _address(self, document: Mapping[str, Any], name: str) -> str:
        value = _text(document, name)
        if value is None:
            raise unavailable(f"its discovery document lacks {name}")
        check_endpoint(value, issuer=self.issuer)
        return value


def is_named(provider: OpenIdProvider, presented: str | None) -> bool:
    """Whether a callback with this `iss` comes from the provider (RFC 9207)."""
    if presented is None:
        return not provider.metadata().names_itself
    return presented == provider.issuer


def _text(document: Mapping[str, Any], name: str) -> str | None:
    value = document.get(name)
    return value if isinstance(value, str) else None
