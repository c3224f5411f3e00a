"""Which addresses are this machine and nothing else: there plain http is enough."""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import SplitResult


def is_secure(url: SplitResult) -> bool:
    """Whether nobody in between can read along: https, or http that stays on this machine."""
    return url.scheme == "https" or (url.scheme == "http" and is_loopback(url))


def is_loopback(url: SplitResult) -> bool:
    """Whether the URL's host is this machine and nothing else."""
    host = url.hostname or ""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
