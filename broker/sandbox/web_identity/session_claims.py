"""What a token asks to bind to the session: session tags and source identity.

Recorded on AWS: nested tags with each value in a list of one, the refusal of a bare string, flat
tags, and a source identity. Unconfirmed, and refused: every limit (50 tags, key of 1 to 128 and
value of up to 256 characters, unique keys, no `aws:`), transitive keys that name no tag or that
come in both forms, a source identity outside 2 to 64 of `A-Za-z0-9_+=,.@-`, or null.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from broker.sandbox.web_identity.refusals import invalid_token

TAGS: Final = "https://aws.amazon.com/tags"
SOURCE_IDENTITY: Final = "https://aws.amazon.com/source_identity"
BAD_TAGS: Final = "Session tags passed in claim are not in correct format."
BAD_PRINCIPAL_TAGS: Final = "principal_tags passed in claim is not in correct format."

MAX_TAGS: Final = 50
MAX_KEY: Final = 128
MAX_VALUE: Final = 256

_FLAT_TAG = f"{TAGS}/principal_tags/"
_FLAT_TRANSITIVE = f"{TAGS}/transitive_tag_keys"
_SOURCE_IDENTITY = re.compile(r"[\w+=,.@-]{2,64}", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class SessionTags:
    """Session tags by key, and the keys that survive role chaining."""

    values: Mapping[str, str]
    transitive_keys: tuple[str, ...]


def read_source_identity(claims: Mapping[str, Any]) -> str | None:
    """The source identity to set, or None if the token asks for none."""
    if SOURCE_IDENTITY not in claims:
        return None
    value = claims[SOURCE_IDENTITY]
    if not isinstance(value, str) or not _SOURCE_IDENTITY.fullmatch(value) or _reserved(value):
        raise invalid_token()
    return value


def read_tags(claims: Mapping[str, Any]) -> SessionTags:
    """The session tags of both forms together; StsRefusal if any of them may not be."""
    nested = claims.get(TAGS, {})
    if not isinstance(nested, dict):
        raise invalid_token(BAD_TAGS)
    pairs = [*_nested_tags(nested), *_flat_tags(claims)]
    if "transitive_tag_keys" in nested and _FLAT_TRANSITIVE in claims:
        raise invalid_token(BAD_TAGS)
    transitive = nested.get("transitive_tag_keys", claims.get(_FLAT_TRANSITIVE, []))
    _check_tags(pairs)
    return SessionTags(
        values=dict(pairs),
        transitive_keys=_transitive_keys(transitive, keys=[key for key, _ in pairs]),
    )


def _nested_tags(nested: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    tags = nested.get("principal_tags", {})
    if not isinstance(tags, dict):
        raise invalid_token(BAD_PRINCIPAL_TAGS)
    for key, values in tags.items():
        match values:
            case [str(value)]:
                yield key, value
            case _:
                raise invalid_token(BAD_PRINCIPAL_TAGS)


def _flat_tags(claims: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    for claim, value in claims.items():
        if not claim.startswith(_FLAT_TAG):
            continue
        if not isinstance(value, str):
            raise invalid_token(BAD_PRINCIPAL_TAGS)
        yield claim.removeprefix(_FLAT_TAG), value


def _check_tags(pairs: Iterable[tuple[str, str]]) -> None:
    seen: set[str] = set()
    for key, value in pairs:
        well_formed = 1 <= len(key) <= MAX_KEY and len(value) <= MAX_VALUE
        if not well_formed or _reserved(key) or not _tag_characters(key + value):
            raise invalid_token()
        seen.add(_distinct(key, seen))
    if len(seen) > MAX_TAGS:
        raise invalid_token()


def _transitive_keys(listed: Any, *, keys: Iterable[str]) -> tuple[str, ...]:
    if not isinstance(listed, list) or not all(isinstance(key, str) for key in listed):
        raise invalid_token(BAD_TAGS)
    supplied = {key.lower() for key in keys}
    seen: set[str] = set()
    for key in listed:
        if key.lower() not in supplied:
            raise invalid_token()
        seen.add(_distinct(key, seen))
    return tuple(listed)


def _distinct(key: str, seen: set[str]) -> str:
    lowered = key.lower()
    if lowered in seen:
        raise invalid_token()
    return lowered


def _reserved(text: str) -> bool:
    return text.lower().startswith("aws:")


def _tag_characters(text: str) -> bool:
    r"""Whether all are of `[\p{L}\p{Z}\p{N}_.:/=+\-@]` (API model of STS, type tagKeyType)."""
    return all(
        character in "_.:/=+-@" or unicodedata.category(character)[0] in "LZN" for character in text
    )
