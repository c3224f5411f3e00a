"""Lists in parts: an index is a sorted set whose members are ordered by their text alone.

A cursor names the last member of the part before, so a list that grows in the meantime neither
repeats nor skips what was there. It is opaque to clients, and checked when it comes back.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Sequence
from enum import Enum

from broker.errors import FieldProblem, InvalidRequest
from broker.store.connection import Command


class Order(Enum):
    """In which direction an index is read."""

    ASCENDING = "ascending"
    DESCENDING = "descending"


def write_cursor(member: str) -> str:
    """The cursor of the part that follows `member`."""
    return base64.urlsafe_b64encode(member.encode()).decode().rstrip("=")


def read_cursor(cursor: str | None, form: re.Pattern[str]) -> str | None:
    """The member in a cursor, None for the beginning; raises InvalidRequest.

    `form` is what the members of the index look like.
    """
    if cursor is None:
        return None
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        member = base64.b64decode(padded, altchars=b"-_", validate=True).decode("ascii")
    except (binascii.Error, UnicodeError) as e:
        raise _bad_cursor() from e
    if form.fullmatch(member) is None:
        raise _bad_cursor()
    return member


def _bad_cursor() -> InvalidRequest:
    return InvalidRequest(
        "The cursor is not one of this list. Begin again without it.",
        problems=[FieldProblem("cursor", "must be the `next` of an earlier answer")],
    )


def part_of(
    index: str, *, after: str | None, limit: int, order: Order = Order.ASCENDING
) -> Command:
    """The command for at most `limit` members of `index` that follow `after`."""
    beyond = None if after is None else f"({after}"
    if order is Order.ASCENDING:
        return ("ZRANGE", index, beyond or "-", "+", "BYLEX", "LIMIT", 0, limit)
    return ("ZRANGE", index, beyond or "+", "-", "BYLEX", "REV", "LIMIT", 0, limit)


def cut(found: Sequence[str], limit: int) -> tuple[Sequence[str], str | None]:
    """The part of `found` to answer with, and the next cursor if there is more than `limit`."""
    if len(found) <= limit:
        return found, None
    return found[:limit], write_cursor(found[limit - 1])
