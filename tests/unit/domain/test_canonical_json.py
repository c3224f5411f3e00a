"""Canonical JSON: as the reference implementation writes it, and one text for each value."""

from __future__ import annotations

import json

import pytest
import rfc8785
from hypothesis import example, given
from hypothesis import strategies as st

from broker.domain.identifiers import AccountId
from broker.domain.ledger.canonical_json import LARGEST_INTEGER, NotCanonical, decode, encode
from broker.domain.ledger.entries import Outcome

TEXT = st.text(
    st.characters(codec="utf-8") | st.sampled_from('"\\/\b\f\n\r\t\x00\x1f\x7f\u2028\ufffe')
)
ANY_TEXT = st.text(st.characters(exclude_categories=()))
"""Lone surrogates included: they have no canonical form."""

WHOLE = st.integers() | st.sampled_from(
    [LARGEST_INTEGER, LARGEST_INTEGER + 1, -LARGEST_INTEGER, -LARGEST_INTEGER - 1]
)
PLAIN = st.none() | st.booleans() | WHOLE | ANY_TEXT | st.lists(ANY_TEXT, max_size=3)
VALUES = st.recursive(
    PLAIN | st.floats(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ANY_TEXT, inner, max_size=4),
    max_leaves=12,
)


def reference(members):
    """What the reference implementation writes, or None where it refuses."""
    try:
        return rfc8785.dumps(members)
    except (rfc8785.CanonicalizationError, UnicodeError):
        return None


@given(st.dictionaries(ANY_TEXT, VALUES, max_size=6))
@example({"\uffff": 1, "\U0001f600": 2})
@example({"é": 1, "e": [True, None, -0.0, 1e21, 5e-324]})
@example({"a": 2**53})
@example({"a": "\ud800"})
def test_it_writes_what_the_reference_writes(members):
    """Byte for byte, and it refuses what the reference refuses."""
    expected = reference(members)
    if expected is None:
        with pytest.raises(NotCanonical):
            encode(members)
    else:
        assert encode(members) == expected


@given(st.dictionaries(TEXT, PLAIN, max_size=6))
def test_what_was_written_is_read_back(members):
    """Reading undoes writing, for everything that has a canonical form."""
    if reference(members) is not None:
        assert decode(encode(members)) == members


@pytest.mark.parametrize("value", [AccountId("111122223333"), Outcome.DONE])
def test_a_kind_of_text_is_written_as_text(value):
    """Identifiers and enumerations are no other value than their text."""
    assert encode({"a": value, "b": [value]}) == encode({"a": str(value), "b": [str(value)]})


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (b'{"a":1,"a":1}', "twice"),
        (b'{"a":{"b":1,"b":2}}', "twice"),
        (b'{"b":1,"a":1}', "order"),
        (b'{"a":{"c":1,"b":1}}', "order"),
        ('{"\uffff":1,"\U0001f600":2}'.encode(), "order"),
        (b'{"a": 1}', "white space"),
        (b'{"a":1}\r', "white space"),
        (b'{"a":1.0}', "spelling"),
        (b'{"a":-0}', "spelling"),
        (b'{"a":1e2}', "spelling"),
        (b'{"a":"\\u0041"}', "spelling"),
        (b'{"a":"\\u001F"}', "spelling"),
        (b'{"a":"\\/"}', "spelling"),
        (b'{"a":"\\u0009"}', "spelling"),
        (b'{"a":9007199254740992}', "cannot say"),
        (b'{"a":NaN}', "not JSON"),
        (b'{"a":"\\ud800"}', "not JSON"),
        (b'{"a":1', "not JSON"),
        (b'{"a":1}{"a":1}', "not JSON"),
        (b'{"a":' + b"[" * 100_000, "not JSON"),
        (b"", "not JSON"),
        (b'{"a":"\xff"}', "not UTF-8"),
        (b"[]", "not a JSON object"),
        (b"null", "not a JSON object"),
    ],
)
def test_every_other_text_is_refused(text, why):
    """A text that another text could stand for is never taken."""
    with pytest.raises(NotCanonical, match=why):
        decode(text)


@given(st.dictionaries(TEXT, PLAIN, min_size=1, max_size=5), st.data())
def test_no_other_text_gives_the_same_object(members, data):
    """Whatever byte is changed, removed or added: it is refused, or another object comes out."""
    if reference(members) is None:
        return
    text = encode(members)
    at = data.draw(st.integers(0, len(text) - 1))
    piece = bytes([data.draw(st.integers(0, 255))])
    for changed in (
        text[:at] + piece + text[at + 1 :],
        text[:at] + text[at + 1 :],
        text[:at] + piece + text[at:],
    ):
        if changed == text:
            continue
        try:
            assert decode(changed) != members or _differ(decode(changed), members)
        except NotCanonical:
            continue


def _differ(one, other):
    """Python holds True and 1 to be equal, JSON does not."""
    return json.dumps(one) != json.dumps(other)
