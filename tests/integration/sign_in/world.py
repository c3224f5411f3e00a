"""A broker in this process, under https as in production, and the organisation's real provider."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import httpx

from broker.domain.ledger import BROKER_CHAIN, LedgerEntry
from broker.services.authentication import CredentialKind
from broker.web.application import create_app
from broker.web.metrics import Metrics
from broker.wiring import Services
from tests.e2e.organisation import Browser, Provider

SITE = "https://broker.example"
CALLBACK = f"{SITE}/sign-in/callback"
SESSION, ATTEMPT = "__Host-broker-session", "__Host-broker-sign-in"


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

    @property
    def transport(self) -> httpx.WSGITransport:
        """The way into the application."""
        return httpx.WSGITransport(app=create_app(self.services, Metrics()))

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
            refusals=authentication,
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
