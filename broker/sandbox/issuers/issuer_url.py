"""Issuer URLs as IAM and STS accept them, and as provider ARNs spell them.

The one leniency of the sandbox is here: an issuer on a loopback address may speak plain http, on
any port, and keeps that port in its provider's URL and ARN. AWS knows https on port 443 only.
"""

import ipaddress
import re
from dataclasses import dataclass

_URL = re.compile(
    r"(?P<scheme>https?)://(?P<host>[A-Za-z0-9.-]+)(?::(?P<port>[0-9]{1,5}))?"
    r"(?P<path>(?:/[!-\"$->@-~]*)?)"
)


@dataclass(frozen=True, kw_only=True)
class IssuerUrl:
    """An issuer: `name` is host and path, letter for letter, as in the provider's ARN."""

    scheme: str
    name: str

    @property
    def canonical(self) -> str:
        """The only spelling of `iss` that AWS takes for this provider."""
        return f"{self.scheme}://{self.name}"

    @classmethod
    def parse(cls, text: str) -> "IssuerUrl":
        """ValueError for user info, query, fragment, IPv6, a foreign port, or http elsewhere."""
        match = _URL.fullmatch(text)
        if match is None:
            raise ValueError("not an issuer URL")
        scheme, host, port, path = match["scheme"], match["host"], match["port"], match["path"]
        if scheme == "http":
            if not is_loopback(host):
                raise ValueError("plain http outside the loopback addresses")
            authority = f"{host}:{port}" if port else host
        elif port in (None, "443"):
            authority = host
        else:
            raise ValueError("a port other than 443")
        return cls(scheme=scheme, name=authority + path)


def is_loopback(host: str) -> bool:
    """Whether the host is `localhost` or an IPv4 loopback address, written as such."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.IPv4Address(host).is_loopback
    except ValueError:
        return False
