"""Who may sign in, and to what: people and clients, as `PUT /_sandbox/people` tells of them.

Authlib asks clients by the names of its `ClientMixin`.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import urlsplit

from pydantic import ConfigDict, TypeAdapter, ValidationError

from broker.sandbox.accounts import ControlError

ALGORITHM = "RS256"
"""OpenID Connect Discovery, section 3, has every provider offer this one."""

DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"
SCOPES = ("openid", "profile", "email", "groups", "offline_access")

_LOOPBACK = "127.0.0.1"
_LOOPBACK_REDIRECT = re.compile(r"http://127\.0\.0\.1(:[0-9]{1,5})?(/[A-Za-z0-9/._~-]*)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody of the organisation. `sub` is the login name, `title` says what they are."""

    __pydantic_config__ = ConfigDict(extra="forbid", strict=True)

    sub: str
    name: str
    title: str
    email: str
    groups: tuple[str, ...] = ()

    def claims(self, scope: str) -> dict[str, Any]:
        """What a token or userinfo says of them (OpenID Connect Core, section 5.4)."""
        by_scope: Mapping[str, Mapping[str, Any]] = {
            "profile": {"name": self.name, "preferred_username": self.sub},
            "email": {"email": self.email, "email_verified": True},
            "groups": {"groups": list(self.groups)},
        }
        claims: dict[str, Any] = {"sub": self.sub}
        for name in scope.split():
            claims |= by_scope.get(name, {})
        return claims


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """A program that people sign in to: with a secret a confidential one, without a public one."""

    __pydantic_config__ = ConfigDict(extra="forbid", strict=True)

    client_id: str
    name: str
    redirect_uris: tuple[str, ...]
    client_secret: str | None = field(default=None, repr=False)

    @property
    def id_token_signed_response_alg(self) -> str:
        """What Authlib signs its identity tokens with."""
        return ALGORITHM

    def get_client_id(self) -> str:
        """See ClientMixin."""
        return self.client_id

    def get_default_redirect_uri(self) -> None:
        """None: OpenID Connect demands that a request names one."""
        return

    def get_allowed_scope(self, scope: str | None) -> str | None:
        """The scope as it was asked for; None where it is not for signing in."""
        return scope if scope is not None and "openid" in scope.split() else None

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        """Whether it is registered; at a public client's loopback address, with any port."""
        if redirect_uri in self.redirect_uris:
            return True
        loopback = _without_port(redirect_uri)
        return self.client_secret is None and loopback in self.redirect_uris

    def check_client_secret(self, client_secret: str) -> bool:
        """Compared in constant time; a public client has none."""
        return self.client_secret is not None and hmac.compare_digest(
            self.client_secret.encode(), client_secret.encode()
        )

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        """A client with a secret shows it, at every endpoint."""
        del endpoint
        return (method == "none") is (self.client_secret is None)

    def check_response_type(self, response_type: str) -> bool:
        """Code, and nothing that puts tokens into an address."""
        return response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:
        """Devices without a browser have no place for a secret either."""
        allowed = {"authorization_code", "refresh_token"}
        return grant_type in (allowed | {DEVICE_CODE} if self.client_secret is None else allowed)


def _without_port(redirect_uri: str) -> str | None:
    """The loopback address without its port, or None where it is anything else."""
    found = _LOOPBACK_REDIRECT.fullmatch(redirect_uri)
    return None if found is None else f"http://{_LOOPBACK}{found[2]}"


def origin_of(redirect_uri: str) -> str:
    """Scheme, host and port of a redirect that was found good."""
    parts = urlsplit(redirect_uri)
    return f"{parts.scheme}://{parts.netloc}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Organisation:
    """All of it."""

    __pydantic_config__ = ConfigDict(extra="forbid", strict=True)

    name: str
    people: tuple[Person, ...]
    clients: tuple[Client, ...]

    @classmethod
    def parse(cls, text: bytes) -> Self:
        """From JSON. Raises ControlError, without repeating what was given: there are secrets."""
        try:
            return TypeAdapter(cls).validate_json(text)
        except ValidationError as error:
            faults = error.errors(include_input=False, include_url=False)
            told = (f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in faults)
            raise ControlError("; ".join(told)) from error

    def person(self, sub: str | None) -> Person | None:
        """Whoever has this login name."""
        return next((person for person in self.people if person.sub == sub), None)

    def client(self, client_id: str) -> Client | None:
        """The client of this id."""
        return next((client for client in self.clients if client.client_id == client_id), None)
