"""Who is told: the endpoints that an operator configured, each with what it may hear."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Self

from broker.domain.identifiers import AccountId
from broker.domain.ledger.entries import Chain, LedgerEntry, chain_of
from broker.domain.webhooks.events import EventType, type_of
from broker.domain.webhooks.signature import Secret

NAME = re.compile(r"[a-z][a-z0-9-]{0,39}")

_URL = re.compile(
    r"(?P<scheme>https?)://(?P<host>[a-z0-9.-]{1,253})(?::(?P<port>[0-9]{1,5}))?"
    r"(?P<target>/[!-\"$-\[\]-~]*)?"
)
"""Lower-case host, no user, no fragment, no backslash: parsers agree on the rest."""

_LOOPBACK = re.compile(r"localhost|127\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}")
_PORTS = {"https": 443, "http": 80}


class Networks(StrEnum):
    """Where an endpoint's name may lead."""

    INTERNET = "internet"
    OWN_TOO = "own_too"
    """Into the networks behind the broker as well."""
    LOOPBACK = "loopback"
    """Without TLS, so to this machine only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Url:
    """Where events go. Chat tools write a secret into the path, so only `place` is shown."""

    scheme: str
    host: str
    port: int
    target: str = field(repr=False)

    @classmethod
    def parse(cls, text: str) -> Self:
        """The parts of a URL; raises ValueError with a rule, without a part of the URL."""
        parts = _URL.fullmatch(text)
        if parts is None:
            raise ValueError("must be an https URL with a host in lower case, without user or #")
        scheme, host = parts["scheme"], parts["host"]
        if scheme == "http" and _LOOPBACK.fullmatch(host) is None:
            raise ValueError("must be https; http is for receivers on this machine")
        port = int(parts["port"] or _PORTS[scheme])
        if not 1 <= port <= 65535:
            raise ValueError("must have a port from 1 to 65535")
        return cls(scheme=scheme, host=host, port=port, target=parts["target"] or "/")

    @property
    def place(self) -> str:
        """Scheme, host and port, which are no secret."""
        port = "" if self.port == _PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{self.host}{port}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Somebody to tell. Bound to `accounts` it hears of nothing else, ever; None is no bound."""

    name: str
    url: Url
    secrets: tuple[Secret, ...] = field(repr=False)
    events: frozenset[EventType]
    accounts: frozenset[AccountId] | None
    networks: Networks

    def hears(self, chain: Chain) -> bool:
        """Whether it may know of a chain at all."""
        return self.accounts is None or any(chain_of(each) == chain for each in self.accounts)

    def told_as(self, entry: LedgerEntry) -> EventType | None:
        """What the entry is told as; None where it is none of the endpoint's business."""
        kind = type_of(entry) if self.hears(entry.chain) else None
        return kind if kind in self.events else None


@dataclass(frozen=True, slots=True)
class Endpoints:
    """All of them."""

    every: tuple[Endpoint, ...] = ()

    def __iter__(self) -> Iterator[Endpoint]:
        return iter(self.every)

    def named(self, name: str) -> Endpoint | None:
        """The endpoint of that name, if it is still configured."""
        return next((endpoint for endpoint in self.every if endpoint.name == name), None)

    def concerned(self, entries: Iterable[LedgerEntry]) -> Sequence[str]:
        """The names of those that have one of `entries` to be told of."""
        written = tuple(entries)
        return [
            endpoint.name
            for endpoint in self.every
            if any(endpoint.told_as(entry) is not None for entry in written)
        ]
