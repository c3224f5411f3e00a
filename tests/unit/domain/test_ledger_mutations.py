"""Any single change to an export is found, and named at its line; Hypothesis picks the change."""

from __future__ import annotations

from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.domain.ledger.canonical_json import NotCanonical, decode
from broker.domain.ledger.verification import BrokenLine
from tests.unit.domain.exported_ledgers import a_ledger, verify

WHOLE = a_ledger()
LINES = WHOLE.lines()
PART = WHOLE.lines(after=3)
EXPORTS = st.sampled_from([LINES, PART])
ENTRIES = len(WHOLE.entries)


def broken_at(lines):
    """The line that verifying complains of."""
    with pytest.raises(BrokenLine) as broken:
        verify(list(lines))
    return broken.value.line


def split(text):
    """A file's lines, as they are read."""
    return BytesIO(text).readlines()


def is_entry(line):
    return line.startswith(b'{"action":')


def shown_by(export, line):
    """Where a change in this line shows: there, or for an anchor, in the entry that follows it."""
    return (1, 2) if export is PART and line == 1 else (line,)


@given(EXPORTS, st.data())
def test_a_changed_byte(export, data):
    """Wherever it is, it shows in its own line."""
    text = b"".join(export)
    at = data.draw(st.integers(0, len(text) - 2))
    byte = data.draw(st.integers(0, 255).filter(lambda byte: byte != text[at]))
    line = text[:at].count(b"\n") + 1
    assert broken_at(split(text[:at] + bytes([byte]) + text[at + 1 :])) in shown_by(export, line)


@given(EXPORTS, st.data())
def test_a_flipped_bit(export, data):
    """Neighbouring letters and digits are what a careful forger would try."""
    text = bytearray(b"".join(export))
    at = data.draw(st.integers(0, len(text) - 2))
    line = text[:at].count(b"\n") + 1
    text[at] ^= 1 << data.draw(st.integers(0, 7))
    assert broken_at(split(bytes(text))) in shown_by(export, line)


@given(EXPORTS, st.data())
def test_a_removed_byte(export, data):
    """Shorter by one, it shows in its own line."""
    text = b"".join(export)
    at = data.draw(st.integers(0, len(text) - 2))
    line = text[:at].count(b"\n") + 1
    assert broken_at(split(text[:at] + text[at + 1 :])) in shown_by(export, line)


@given(EXPORTS, st.integers(min_value=0))
def test_a_file_that_ends_too_early(export, cut):
    """Wherever it was cut off, the last line that is there is named, or the one that is not."""
    text = b"".join(export)
    kept = text[: cut % (len(text) - 1)]
    whole_lines = len([line for line in split(kept) if line.removesuffix(b"\n") + b"\n" in export])
    assert broken_at(split(kept)) == whole_lines + 1


@given(EXPORTS, st.data())
def test_a_removed_line(export, data):
    """The line that follows an entry shows that it is missing; other lines show at the end."""
    at = data.draw(st.integers(0, len(export) - 1))
    broken = broken_at([*export[:at], *export[at + 1 :]])
    if is_entry(export[at]) and is_entry(export[at + 1]):
        assert broken == at + 1
    else:
        assert broken >= at + 1


@given(EXPORTS, st.data())
def test_a_line_that_stands_twice(export, data):
    """The second of the two is one too many."""
    at = data.draw(st.integers(0, len(export) - 1))
    assert broken_at([*export[: at + 1], export[at], *export[at + 1 :]]) == at + 2


@given(EXPORTS, st.data())
def test_a_line_from_elsewhere(export, data):
    """A line that is good where it stands is not good anywhere else."""
    taken = data.draw(st.integers(0, len(export) - 1))
    put = data.draw(st.integers(0, len(export)).filter(lambda put: put not in (taken, taken + 1)))
    broken = broken_at([*export[:put], export[taken], *export[put:]])
    assert broken >= put + 1 or export[put : put + 1] == [export[-1]]
    if is_entry(export[taken]) and put < taken:
        assert broken == put + 1


@given(EXPORTS, st.data())
def test_two_lines_that_changed_places(export, data):
    """The first of the two places is named."""
    one = data.draw(st.integers(0, len(export) - 2))
    other = data.draw(st.integers(one + 1, len(export) - 1))
    swapped = list(export)
    swapped[one], swapped[other] = export[other], export[one]
    broken = broken_at(swapped)
    assert broken >= one + 1
    if is_entry(export[one]) and is_entry(export[other]):
        assert broken == one + 1


@given(EXPORTS, st.data())
def test_a_line_put_in(export, data):
    """Whatever it holds."""
    put = data.draw(st.integers(0, len(export)))
    line = data.draw(
        st.binary(max_size=60).filter(lambda line: b"\n" not in line)
        | st.sampled_from([b"", b"{}", b"[]", b'{"end":{}}', b'{"keys":[]}', b'{"checkpoint":""}'])
    )
    assert broken_at([*export[:put], line + b"\n", *export[put:]]) == put + 1


@given(st.integers(0, ENTRIES - 1), st.data())
def test_a_value_that_was_changed_keeping_the_form(at, data):
    """An entry that is canonical again after a value was replaced: only its hash tells."""
    line = LINES[at]
    text = data.draw(st.sampled_from([b"jane@vendor.example", b"111122223333", b"done", b":1,"]))
    if text not in line:
        return
    other = {b":1,": b":0,"}.get(text, text[::-1])
    changed = line.replace(text, other, 1)
    if changed == line:
        return
    assert broken_at([*LINES[:at], changed, *LINES[at + 1 :]]) == at + 1


@given(st.binary(max_size=200))
def test_no_input_makes_it_fail_otherwise(text):
    """Whatever a file holds, the answer is a broken line."""
    assert broken_at(split(text)) >= 1


@given(st.integers(0, len(LINES) - 1))
def test_each_line_is_the_only_text_of_its_value(at):
    """So no change can go unnoticed because a reader understands the same."""
    line = LINES[at].removesuffix(b"\n")
    decode(line)
    for spelt in (line.replace(b":", b": ", 1), line + b" ", line.replace(b"a", b"\\u0061", 1)):
        if spelt != line:
            with pytest.raises(NotCanonical):
                decode(spelt)
