"""Requests to addresses that a message named: checked, resolved once, and sent to nothing else.

Everything of ours that goes to a host which is not an endpoint of botocore's goes through here.
"""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Self

import certifi
import httpx

from broker.http.packing import UNPACKED
from broker.http.time_limits import TimeLimit

CONNECT_SECONDS = 3.0
READ_SECONDS = 5.0
ALTOGETHER_SECONDS = 10.0

Address = IPv4Address | IPv6Address
Resolve = Callable[[str, int], "list[Address]"]

_TRANSLATED = IPv6Network("64:ff9b::/96")
"""IPv4 addresses as seen through NAT64 (RFC 6052): public exactly if the one inside is."""

_METADATA = (
    IPv6Network("fd00:ec2::/32"),
    IPv6Network("fd20:ce::/32"),
    IPv4Network("192.0.0.0/24"),
)
"""Where clouds answer what they answer at 169.254.169.254: EC2 (EC2 User Guide) and Google (Compute
Engine, "VM metadata") over IPv6; and IANA's special addresses, of which Oracle has taken one."""

_URL = re.compile(r"https://(?P<host>[a-z0-9.-]{1,253})(?::443)?(?P<target>/[!-\"$-\[\]-~]*)")
"""Lower-case host, no user, no other port, no fragment, no backslash: parsers agree on the rest."""


class AddressFault(StrEnum):
    """Why nothing is sent to an address."""

    NOT_HTTPS = "not_https"
    MALFORMED = "malformed"
    NOT_THE_HOST = "not_the_host"
    """The host is none of those that it must be."""
    NOT_PUBLIC = "not_public"
    """The name leads to an address that is not on the internet."""
    OUT_OF_REACH = "out_of_reach"
    """The name leads to an address that whoever asked for the request may not reach."""


class Reach(StrEnum):
    """To which addresses a name may lead."""

    INTERNET = "internet"
    LOOPBACK = "loopback"
    OWN_NETWORKS = "own_networks"
    """The networks behind us too, but neither links nor where else clouds hand out credentials."""

    @property
    def fault(self) -> AddressFault:
        """What it is called where a name leads beyond."""
        return AddressFault.NOT_PUBLIC if self is Reach.INTERNET else AddressFault.OUT_OF_REACH

    def includes(self, address: Address) -> bool:
        """Whether the address is within it."""
        match self:
            case Reach.INTERNET:
                return is_public(address)
            case Reach.LOOPBACK:
                return address.is_loopback
            case Reach.OWN_NETWORKS:
                return is_public(address) or (
                    address.is_private and not _may_hand_out_credentials(address)
                )


class AddressRefused(Exception):
    """Nothing is sent there."""

    def __init__(self, fault: AddressFault) -> None:
        super().__init__(fault.value)
        self.fault = fault


class OutboundFailed(Exception):
    """There is no whole answer: no connection, too slow, or too large."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """Where a request goes. `target` is path and query exactly as they were given."""

    scheme: str = "https"
    host: str
    port: int = 443
    target: str = field(repr=False)
    reach: Reach = Reach.INTERNET

    @classmethod
    def parse(cls, url: str) -> Self:
        """The parts of an https URL; raises AddressRefused for anything out of the ordinary."""
        if not url.startswith("https://"):
            raise AddressRefused(AddressFault.NOT_HTTPS)
        parts = _URL.fullmatch(url)
        if parts is None:
            raise AddressRefused(AddressFault.MALFORMED)
        return cls(host=parts["host"], target=parts["target"])

    @property
    def authority(self) -> str:
        """The Host header (RFC 9110, section 7.2): without the scheme's own port."""
        usual = {"https": 443, "http": 80}[self.scheme]
        return self.host if self.port == usual else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; redirects too are only this."""

    status: int
    body: bytes = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    """By their names in lower case."""


class Outbound:
    """Sends requests. No proxy, no cookies, no redirect, no retry.

    With `endpoint_url`, the sandbox's, every connection goes there and nothing is resolved; all
    that is checked of an address before stays the same.
    """

    def __init__(self, *, endpoint_url: str | None, resolve: Resolve | None = None) -> None:
        self._endpoint_url = endpoint_url
        self._resolve = resolve or resolved
        self._tls = ssl.create_default_context(cafile=certifi.where())

    def send(
        self,
        method: str,
        to: Destination,
        *,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
        largest: int | None,
    ) -> Answer:
        """The answer, of at most `largest` bytes; None reads nothing behind its headers.

        Raises AddressRefused where the host's name leads beyond `to.reach`, and OutboundFailed.
        """
        try:
            with self._client() as client, TimeLimit(ALTOGETHER_SECONDS) as limit:
                request = self._request(method, to, body, headers)
                request.extensions["trace"] = limit.watch
                return self._exchange(client, request, largest)
        except (httpx.HTTPError, OSError) as e:
            raise OutboundFailed(type(e).__name__) from e

    def _client(self) -> httpx.Client:
        return httpx.Client(
            verify=self._tls,
            trust_env=False,
            follow_redirects=False,
            timeout=httpx.Timeout(READ_SECONDS, connect=CONNECT_SECONDS),
        )

    def _request(
        self, method: str, to: Destination, body: bytes, headers: Mapping[str, str] | None
    ) -> httpx.Request:
        return httpx.Request(
            method,
            self._place(to),
            headers={"Host": to.authority, **UNPACKED, **(headers or {})},
            content=body,
            # TLS is verified for the host's name although the connection is to its address, and
            # no second parser of URLs touches what was signed.
            extensions={"sni_hostname": to.host, "target": to.target.encode("ascii")},
        )

    def _place(self, to: Destination) -> httpx.URL:
        """Whom to connect to: the sandbox, or the first address, if all are within reach.

        The name is resolved here and never again, so what was checked is what is connected to.
        """
        if self._endpoint_url is not None:
            return httpx.URL(self._endpoint_url)
        addresses = self._resolve(to.host, to.port)
        if not addresses or not all(to.reach.includes(address) for address in addresses):
            raise AddressRefused(to.reach.fault)
        return httpx.URL(scheme=to.scheme, host=str(addresses[0]), port=to.port, path="/")

    def _exchange(
        self, client: httpx.Client, request: httpx.Request, largest: int | None
    ) -> Answer:
        response = client.send(request, stream=True)
        try:
            body = b"" if largest is None else _bounded_body(response, largest)
            return Answer(response.status_code, body, dict(response.headers))
        finally:
            response.close()


def _bounded_body(response: httpx.Response, largest: int) -> bytes:
    body = b""
    for part in response.iter_raw():
        body += part
        if len(body) > largest:
            raise OutboundFailed("too large")
    return body


def resolved(host: str, port: int) -> list[Address]:
    """Every address of a name, as the operating system finds them; raises OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [ip_address(str(place[0])) for *_, place in found]


def is_public(address: Address) -> bool:
    """Whether it is on the internet, not in any network behind us; tunnels count as their end."""
    if isinstance(address, IPv6Address):
        if address in _TRANSLATED:
            return is_public(IPv4Address(int(address) & 0xFFFFFFFF))
        inside = address.ipv4_mapped or address.sixtofour
        if inside is not None:
            return is_public(inside)
        if address.teredo is not None or address.scope_id is not None:
            return False
        if address.is_site_local:
            # RFC 3879 took the meaning from them, and no network that still has them is public.
            return False
    return address.is_global and not (
        address.is_multicast
        or address.is_reserved
        or address.is_unspecified
        or _is_metadata(address)
    )


def _is_metadata(address: Address) -> bool:
    return any(address in network for network in _METADATA)


def _may_hand_out_credentials(address: Address) -> bool:
    """Whether it is on a link, or otherwise where clouds do, in whatever form it is written."""
    if isinstance(address, IPv6Address):
        inside = address.ipv4_mapped or address.sixtofour
        if inside is not None:
            return _may_hand_out_credentials(inside)
    return address.is_link_local or _is_metadata(address)
