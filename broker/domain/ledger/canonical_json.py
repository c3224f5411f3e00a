"""Canonical JSON (RFC 8785): one text for each value, over which hashes are taken.

Most of what the ledger holds is plain: text, whole numbers, truth values, lists, and objects with
ASCII names. For those, sorting names by code point is sorting them by UTF-16 unit, and a fast
serialiser writes every value as RFC 8785 (section 3.2.2) wants it; a test compares the two.
Whatever is not so plain goes to the reference implementation, which also refuses what has no
canonical form.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import rfc8785
from pydantic_core import PydanticSerializationError, from_json, to_json

LARGEST_INTEGER = 2**53 - 1
"""RFC 8785 keeps to the whole numbers that a double can hold (RFC 7493, section 2.2)."""


_AS_THEY_ARE = frozenset({str, bool, type(None)})
"""Exact types that need no look: a subclass may write itself in another way."""


class NotCanonical(ValueError):
    """A text is not canonical JSON, or a value has no canonical form; the message says why."""


class _NotPlain(Exception):
    """A value that only the reference implementation may write."""


def encode(members: Mapping[str, object]) -> bytes:
    """The canonical form of an object. Raises NotCanonical for what has none."""
    try:
        return to_json(_ordered(members))
    except (_NotPlain, TypeError):  # names of several types cannot be put in order
        pass
    except PydanticSerializationError as e:
        raise NotCanonical("it holds text that is not Unicode") from e
    try:
        return rfc8785.dumps(dict(members))  # type: ignore[arg-type]
    except (rfc8785.CanonicalizationError, UnicodeError) as e:
        raise NotCanonical("it holds a value that canonical JSON cannot say") from e


def decode(text: bytes) -> dict[str, Any]:
    """The object of which `text` is the canonical form, and no other text is.

    Raises NotCanonical. A name that stands twice, white space, another order of names or another
    spelling of a value: each gives the same object as some other text, so that a hash over the
    text would not be one over what a reader makes of it.
    """
    members = parse(text)
    if encode(members) != text:
        raise another_spelling()
    return members


def parse(text: bytes) -> dict[str, Any]:
    """The object in `text`, however it is written. Raises NotCanonical where there is none."""
    try:
        value = from_json(text, allow_inf_nan=False, cache_strings="all", allow_partial=False)
    except ValueError as e:
        raise NotCanonical(_unreadable(text)) from e
    if not isinstance(value, dict):
        raise NotCanonical("it is not a JSON object")
    return value


def encode_ordered(members: Mapping[str, object]) -> bytes:
    """Like `encode`, in a third of the time, for an object as `is_ordered` finds it good.

    That goes for the objects in it too, and its numbers are whole and within LARGEST_INTEGER.
    """
    return to_json(members)


def is_ordered(members: Mapping[str, object]) -> bool:
    """Whether the names of an object are plain and in the order of canonical JSON."""
    names = list(members)
    return names == sorted(names) and "".join(names).isascii()


def another_spelling() -> NotCanonical:
    """A text is JSON, but another text is the canonical one."""
    return NotCanonical(
        "it is not canonical JSON: a name that stands twice, white space, or another order "
        "or spelling than RFC 8785 has"
    )


def _ordered(members: Mapping[Any, Any]) -> dict[str, Any]:
    """The object with its names in order. Raises _NotPlain."""
    if type(members) is not dict:
        raise _NotPlain
    ordered = {}
    for name in sorted(members):
        if type(name) is not str or not name.isascii():
            raise _NotPlain
        value = members[name]
        ordered[name] = value if type(value) in _AS_THEY_ARE else _plain(value)
    return ordered


def _plain(value: Any) -> Any:
    kind = type(value)
    if kind is int and -LARGEST_INTEGER <= value <= LARGEST_INTEGER:
        return value
    if kind is dict:
        return _ordered(value)
    if kind is list:
        return [each if type(each) in _AS_THEY_ARE else _plain(each) for each in value]
    raise _NotPlain


def _unreadable(text: bytes) -> str:
    try:
        text.decode("utf-8")
    except UnicodeDecodeError:
        return "it is not UTF-8"
    return "it is not JSON"
