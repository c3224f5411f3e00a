"""What the tests of secrets look for is found where it is, and not where it is not."""

from __future__ import annotations

import jwt
import pytest

from tests.json_web_signatures import holds_jws

TOKEN = jwt.encode({"iss": "https://issuer.example"}, "k" * 32, algorithm="HS256")


@pytest.mark.parametrize(
    "part",
    [TOKEN, TOKEN[:20], TOKEN.split(".")[1], f"a/{TOKEN}", f'{{"token":"{TOKEN}"}}'],
)
def test_a_token_is_found_whole_or_in_part(part: str) -> None:
    """Wherever it stands, and however much of it is left."""
    assert holds_jws(f"before {part} after")


@pytest.mark.parametrize(
    "text", ["", "eyJ", "qM5r0cTHGfeyJRuq7MW4t", "eyJRuq7MW4tqM5r0cTHGf", "eyJh"]
)
def test_what_only_begins_like_one_is_none(text: str) -> None:
    """As identifiers and keys do, once in many thousand times."""
    assert not holds_jws(f'"request_id": "{text}"')
