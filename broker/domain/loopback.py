"""Which addresses are this machine and nothing else: there plain http is enough."""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import SplitResult


def is_loopback(url: SplitResult) -> bool:
    """Whether the URL's host is this machine and nothing else."""
    host = url.hostname or ""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
