"""Text of others on a terminal: letters, and nothing that steers it."""

from __future__ import annotations

import json

import pytest

from broker.domain.plain_text import plain, plain_json


@pytest.mark.parametrize(
    "steering",
    ["\x1b", "\x9b", "\x07", "\r", "\n", "\b", "\u202e", "\u2066", "\u200b", "\u2028", "\ufeff"],
)
def test_what_steers_is_a_blank(steering: str) -> None:
    """Escape sequences, bells, what goes back in the line, and what turns the writing round."""
    assert plain(f"one{steering}[31mtwo") == "one [31mtwo"


@pytest.mark.parametrize("text", ["", "T-1042 slow", "港湾 Zürich ✓", "a\\x1b[31m"])
def test_letters_of_all_writings_stay(text: str) -> None:
    """Customers have names of many kinds."""
    assert plain(text) == text


def test_json_says_the_same_with_escapes() -> None:
    """Programs read what was written, and a terminal only letters."""
    told = {"one": "a\x1b[31m\x9b\u202eb", "two": ["港湾", "\U000e0041", "\xa0"]}
    document = json.dumps(told, indent=2, ensure_ascii=False)
    shown = plain_json(document)
    assert json.loads(shown) == told
    assert shown.replace("\n", "").isprintable()
    assert "港湾" in shown
