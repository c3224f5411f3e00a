"""A broker in this process, under https as in production, and the organisation's real provider."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import httpx
from pydantic import SecretStr
from redis import Redis

from broker.domain.identity.browser_sessions import BrowserSecret
from broker.domain.ledger.entries import BROKER_CHAIN, LedgerEntry
from broker.domain.limits import Limit
from broker.openid.code_flow import AuthlibCodeFlow
from broker.openid.provider import OpenIdProvider
from broker.openid.site import ProviderSite
from broker.services.identity.authentication import Authenticator, CredentialKind, SignInLimits
from broker.services.identity.identity_tokens import IdentityTokenBearers
from broker.web.application import create_app
from broker.web.metrics import Metrics
from broker.wiring import Services
from tests.e2e.organisation import Browser, Provider

SITE = "https://broker.example"
CALLBACK = f"{SITE}/sign-in/callback"
SESSION, ATTEMPT = "__Host-broker-session", "__Host-broker-sign-in"
_BYTE = partial(secrets.randbelow, 256)


class Wrist:
    """A clock that tests turn."""

    def __init__(self, real: Callable[[], datetime]) -> None:
        self._real = real
        self.ahead = timedelta()

    def __call__(self) -> datetime:
        return self._real() + self.ahead


@dataclass(kw_only=True)
class World:
    """The services, the application made of them, and the provider."""

    services: Services
    provider: Provider
    clock: Wrist
    store_socket: Path
    address: str = field(default_factory=lambda: f"10.{_BYTE()}.{_BYTE()}.{_BYTE()}")
    """Where everybody in this test is; what is counted by address is the test's own."""

    @property
    def transport(self) -> httpx.WSGITransport:
        """The way into the application."""
        return httpx.WSGITransport(
            app=create_app(self.services, Metrics()), remote_addr=self.address
        )

    def browser(self, login: str = "jane") -> Browser:
        """Somebody at a browser that reaches both the broker and the provider."""
        return Browser(login, transports={SITE: self.transport})

    def signed_in(self, login: str = "jane") -> Browser:
        """Somebody who has signed in."""
        browser = self.browser(login)
        answer = browser.visit(f"{SITE}/sign-in?return_to=/v1/me")
        assert answer.status_code == 200, answer.text
        return browser

    def with_token(self, credential: str) -> httpx.Client:
        """A program that sends this as its bearer."""
        return httpx.Client(
            transport=self.transport,
            base_url=SITE,
            headers={"Authorization": f"Bearer {credential}"},
        )

    def ledger(self) -> list[LedgerEntry]:
        """The broker's own chain."""
        return list(self.services.store.journal.entries(BROKER_CHAIN, after=0, limit=100_000))

    def last(self) -> LedgerEntry:
        """The newest entry."""
        return self.ledger()[-1]

    def everything_stored(self) -> str:
        """Every key of the store with its value, as text."""
        with Redis(unix_socket_path=str(self.store_socket), protocol=2) as redis:
            keys = sorted(redis.scan_iter(count=1000))
            return repr([(key, _value(redis, key)) for key in keys])

    def milliseconds_left(self, *cookies: str) -> list[int]:
        """How long the store keeps the session of each cookie; without one, of the last that was
        signed out of."""
        with Redis(unix_socket_path=str(self.store_socket), protocol=2) as redis:
            digests = [BrowserSecret(cookie).digest for cookie in cookies]
            keys = [f"brk:{{broker}}:browser-session:{digest}" for digest in digests]
            found = keys or list(redis.scan_iter("brk:{broker}:ended-browser-session:*"))[-1:]
            return [int(redis.pttl(key)) for key in found]

    def limit_attempts(self, limit: str) -> None:
        """From now on so many sign-ins may begin at one address."""
        assert self.services.sign_in is not None
        sign_in = replace(
            self.services.sign_in,
            begun_per_address=Limit.parse(limit),
        )
        self.services = replace(self.services, sign_in=sign_in)

    def limit_failures(self, limit: str) -> None:
        """From now on so many may fail."""
        assert self.services.sign_in is not None
        authentication = replace(
            self.services.authentication,
            limits=SignInLimits(per_address=Limit.parse(limit), overall=Limit.parse("1000/60")),
        )
        sign_in = replace(self.services.sign_in, credential_watch=authentication)
        self.services = replace(self.services, authentication=authentication, sign_in=sign_in)

    def _bearers(self) -> IdentityTokenBearers:
        found = self.services.authentication.authenticators[CredentialKind.IDENTITY_TOKEN]
        assert isinstance(found, IdentityTokenBearers)
        return found

    def _replace_authenticators(self, **kinds: Authenticator) -> None:
        authentication = replace(
            self.services.authentication,
            authenticators={CredentialKind[name]: each for name, each in kinds.items()},
        )
        self.services = replace(self.services, authentication=authentication)

    def count_fetches(self) -> Callable[[], int]:
        """How often the provider's documents are fetched from now on."""
        documents = self._bearers().identity_tokens.keys
        fetch, times = documents._fetch, []  # type: ignore[attr-defined]

        def counted(now: datetime) -> object:
            times.append(now)
            return fetch(now)

        documents._fetch = counted  # type: ignore[attr-defined]
        return lambda: len(times)

    def take_no_identity_tokens(self) -> None:
        """As without a client for terminals."""
        self._replace_authenticators()

    def lose_provider(self) -> None:
        """From now on nobody answers at the provider's address, and nothing is remembered of it."""
        lost = OpenIdProvider("http://127.0.0.1:1", ProviderSite(), clock=self.clock)
        bearers = self._bearers()
        tokens = replace(bearers.identity_tokens, keys=lost)
        self._replace_authenticators(IDENTITY_TOKEN=replace(bearers, identity_tokens=tokens))
        assert self.services.sign_in is not None
        flow = AuthlibCodeFlow(
            lost,
            ProviderSite(),
            client_id="broker-web",
            client_secret=SecretStr("-"),
            redirect_uri=CALLBACK,
            scope="openid",
        )
        self.services = replace(self.services, sign_in=replace(self.services.sign_in, flow=flow))

    def claims(self, **changed: Any) -> dict[str, Any]:
        """Good claims for a bearer, with these in their place; None takes one away."""
        now = int(self.clock().timestamp())
        claims = {
            "iss": self.provider.issuer,
            "sub": "jane",
            "aud": "broker-cli",
            "iat": now,
            "exp": now + 600,
            "email": "jane@vendor.example",
            "email_verified": True,
            "groups": ["support"],
            **changed,
        }
        return {name: value for name, value in claims.items() if value is not None}


def _value(redis: Redis, key: bytes) -> object:
    match redis.type(key):
        case b"string":
            return redis.get(key)
        case b"hash":
            return redis.hgetall(key)
        case b"zset":
            return redis.zrange(key, 0, -1)
        case b"stream":
            return redis.xrange(key)
        case b"none":
            return None
    raise AssertionError(f"{key!r} has a type that the store should not use")


def on_clock(services: Services, clock: Callable[[], datetime]) -> Services:
    """The services with everything that has to do with sign-in on this clock."""
    sign_in, authentication = services.sign_in, services.authentication
    assert sign_in is not None
    sessions = replace(sign_in.browser_sessions, clock=clock)
    bearers = authentication.authenticators[CredentialKind.IDENTITY_TOKEN]
    bearers = replace(bearers, identity_tokens=replace(bearers.identity_tokens, clock=clock))  # type: ignore[attr-defined, type-var]
    authentication = replace(
        authentication,
        authenticators={
            **authentication.authenticators,
            CredentialKind.BROWSER_SESSION: sessions,
            CredentialKind.IDENTITY_TOKEN: bearers,
        },
    )
    return replace(
        services,
        authentication=authentication,
        sign_in=replace(
            sign_in,
            browser_sessions=sessions,
            credential_watch=authentication,
            identity_tokens=replace(sign_in.identity_tokens, clock=clock),
            clock=clock,
        ),
    )


def problem(answer: httpx.Response, status: int, code: str, reason: str | None = None) -> Any:
    """The problem document of an answer that must be one."""
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json", answer.text
    told: Mapping[str, Any] = answer.json()
    assert (told["code"], told.get("reason")) == (code, reason)
    return told
