"""Answers as they are, packed by nobody.

A few packed kilobytes can become more than there is memory, before anybody counts.
"""

from __future__ import annotations

import httpx

UNPACKED = {"Accept-Encoding": "identity"}
"""The header of a request for such an answer (RFC 9110, section 12.5.3)."""


def is_packed(answer: httpx.Response) -> bool:
    """Whether it is packed all the same, which nobody asked for."""
    return bool(answer.headers.get("Content-Encoding", "identity") != "identity")
