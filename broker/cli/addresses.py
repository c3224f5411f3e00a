"""Addresses of brokers: no credential goes out where somebody could read along."""

from __future__ import annotations

from urllib.parse import urlsplit

from broker.domain.loopback import is_secure

_DEFAULT_PORTS = {"https": 443, "http": 80}
_NO_URL = "is not the URL of a broker, like https://broker.example.com"


class AddressRefused(Exception):
    """What stands for the broker's URL is none, or not one that a credential may be sent to."""


def broker_url(text: str) -> str:
    """The URL in the one spelling that sign-ins are kept under.

    Raises AddressRefused, which does not repeat a password.
    """
    try:
        url = urlsplit(text)
        port = url.port
    except ValueError as e:
        raise AddressRefused(_NO_URL) from e
    if url.username is not None or url.password is not None:
        raise AddressRefused("holds a name or a password, which do not belong in a broker's URL")
    if url.scheme not in _DEFAULT_PORTS or not url.hostname or url.query or url.fragment:
        raise AddressRefused(_NO_URL)
    if not is_secure(url):
        raise AddressRefused(
            "is plain http to another machine, so everybody on the way could read your credential: "
            "use https"
        )
    host = f"[{url.hostname}]" if ":" in url.hostname else url.hostname
    if port is not None and port != _DEFAULT_PORTS[url.scheme]:
        host = f"{host}:{port}"
    return f"{url.scheme}://{host}{url.path.rstrip('/')}"
