"""Texts that people write into requests, and others read before they decide."""

from __future__ import annotations

import pytest
from pydantic import TypeAdapter, ValidationError

from broker.contract.base import LongText, ShortText

SHORT: TypeAdapter[str] = TypeAdapter(ShortText)
LONG: TypeAdapter[str] = TypeAdapter(LongText)


@pytest.mark.parametrize("adapter", [SHORT, LONG])
@pytest.mark.parametrize(
    "text", ["disk is full", "שלום", "مرحبا", "港湾銀行", "👩‍💻 on call", "a\u200fb", "<b>"]
)
def test_every_language_is_taken(adapter: TypeAdapter[str], text: str) -> None:
    """As it is, also where it runs from right to left by itself."""
    assert adapter.validate_python(text) == text


@pytest.mark.parametrize("adapter", [SHORT, LONG])
@pytest.mark.parametrize(
    "character",
    ["\n", "\r", "\x00", "\x1b", "\x9b", "\u2028", "\u202a", "\u202e", "\u2066", "\u2069"],
)
def test_what_changes_how_the_rest_is_read_is_not(
    adapter: TypeAdapter[str], character: str
) -> None:
    """Another line, an escape sequence, or writing that somebody turns round."""
    with pytest.raises(ValidationError, match="one line, without control characters"):
        adapter.validate_python(f"ticket {character}gnihtemos")
