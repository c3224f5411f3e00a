"""Verifying an export: what is proved, and the first broken line of whatever was done to it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import pytest

from broker.domain.ledger.canonical_json import encode
from broker.domain.ledger.chain import ChainWalk
from broker.domain.ledger.checkpoint_signatures import BadCheckpoint
from broker.domain.ledger.entries import Head, LedgerAction
from broker.domain.ledger.lines import LONGEST_LINE, keys_line
from broker.domain.ledger.verification import BrokenLine, Voucher
from tests.unit.domain.exported_ledgers import (
    KEY,
    NEXT_KEY,
    STRANGERS_KEY,
    Ledger,
    a_ledger,
    an_event,
    verify,
)

FIRST_SIGNED, SECOND_SIGNED, ENTRIES = 5, 8, 10
KEYS_LINE, FIRST_CHECKPOINT, SECOND_CHECKPOINT, END = 11, 12, 13, 14
"""Where the lines of `a_ledger` stand."""


def test_a_whole_ledger_is_proved():
    """From the first entry on, with both checkpoints by keys that the reader has brought."""
    proved = verify(a_ledger().lines())
    assert (proved.chain, proved.entries) == ("111122223333", ENTRIES)
    assert (proved.first_seq, proved.first_at) == (1, "2026-11-24T12:00:00Z")
    assert (proved.last_seq, proved.last_at) == (10, "2026-11-24T12:00:09Z")
    assert proved.anchor is None
    assert [(c.head.seq, c.head.kid, c.voucher) for c in proved.checkpoints] == [
        (FIRST_SIGNED, KEY.kid, Voucher.GIVEN),
        (SECOND_SIGNED, NEXT_KEY.kid, Voucher.GIVEN),
    ]
    assert proved.vouched_through(Voucher.GIVEN) == SECOND_SIGNED
    assert proved.vouched_through(Voucher.FILE) == 0


def test_keys_of_the_file_are_told_from_those_that_were_brought():
    """Years later the JWKS knows the newest key only, which vouches for all that is older."""
    proved = verify(a_ledger().lines(), given={NEXT_KEY.kid: NEXT_KEY.jwk})
    assert [c.voucher for c in proved.checkpoints] == [Voucher.FILE, Voucher.GIVEN]
    assert proved.vouched_through(Voucher.GIVEN) == SECOND_SIGNED
    nobody = verify(a_ledger().lines(), given={})
    assert nobody.vouched_through(Voucher.GIVEN) == 0
    assert nobody.vouched_through(Voucher.FILE) == SECOND_SIGNED


def test_a_ledger_without_checkpoints_is_proved_by_itself():
    """The broker's own chain has no key; an empty one has no entry either."""
    ledger = Ledger()
    assert (
        verify(
            [
                b'{"end":{"chain":"broker","checkpoints":0,"entries":0,"hash":"%b","seq":0}}\n'
                % ledger.head.hash.encode()
            ]
        ).entries
        == 0
    )
    ledger.work(3)
    proved = verify(ledger.lines())
    assert (proved.entries, proved.checkpoints) == (3, ())


def test_a_part_begins_with_what_a_checkpoint_vouches_for():
    """The hash before the first entry is in its own, and so below the checkpoint."""
    proved = verify(a_ledger().lines(after=6))
    assert proved.anchor is not None
    assert (proved.anchor.seq, proved.first_seq, proved.entries) == (6, 7, 4)
    with pytest.raises(BrokenLine, match="line 1: it begins after entry 9, and no checkpoint"):
        verify(a_ledger().lines(after=9))


def test_an_archive_and_the_rest_are_one_chain():
    """Cut at a checkpoint, which vouches for the end of one and the beginning of the other."""
    ledger = a_ledger()
    archive, rest = ledger.lines(through=FIRST_SIGNED), ledger.lines(after=FIRST_SIGNED)
    for files in ([archive], [rest], [archive, rest]):
        verify(*files)
    proved = verify(archive, rest)
    assert (proved.entries, proved.first_seq, proved.anchor) == (ENTRIES, 1, None)
    with pytest.raises(BrokenLine, match=r"line 1: it begins after entry 6 .* ends with entry 5"):
        verify(archive, ledger.lines(after=6))
    with pytest.raises(BrokenLine, match="line 1: entry 1 stands where entry 6 must"):
        verify(archive, ledger.lines())
    other = a_ledger()
    other.heads[FIRST_SIGNED - 1] = Head(FIRST_SIGNED, "f" * 64)
    with pytest.raises(BrokenLine, match=r"line 1: it begins after entry 5 .* ends with entry 5"):
        verify(archive, other.lines(after=FIRST_SIGNED))


def _changed(line: bytes, **members: object) -> bytes:
    return encode({**json.loads(line), **members}) + b"\n"


def _spoilt(at: int, line: bytes | None) -> list[bytes]:
    lines = a_ledger().lines()
    lines[at - 1 : at] = [] if line is None else [line]
    return lines


LINES = a_ledger().lines()
BROKEN: Mapping[str, tuple[Any, ...]] = {
    "changed": (3, _changed(LINES[2], actor="john"), "entry 3 was changed"),
    "another hash": (3, _changed(LINES[2], hash="f" * 64), "entry 3 was changed"),
    "another number": (3, _changed(LINES[2], seq=4), "entry 3 missing: entry 4 stands here"),
    "a gap": (3, _changed(LINES[2], seq=7), "entries 3 to 6 missing"),
    "of another chain": (3, _changed(LINES[2], chain="broker"), "another chain"),
    "of no chain": (1, _changed(LINES[0], chain="x"), "a chain that cannot be"),
    "not following": (3, _changed(LINES[2], previous_hash="f" * 64), "does not follow"),
    "of a later schema": (3, _changed(LINES[2], schema=2), "of schema 2"),
    "a member more": (3, _changed(LINES[2], note="x"), "other members"),
    "a number as text": (3, _changed(LINES[2], seq="3"), "another kind"),
    "true for one": (1, _changed(LINES[0], seq=True), "another kind"),
    "a detail in a detail": (3, _changed(LINES[2], details={"a": {"hash": "x"}}), "a detail of it"),
    "a fraction": (3, _changed(LINES[2], details={"a": 1.5}), "a detail of it"),
    "a list of numbers": (3, _changed(LINES[2], details={"a": [1]}), "a detail of it"),
    "an id that is none": (3, _changed(LINES[2], ids={"a": 1}), "an id in it"),
    "a strange time": (3, _changed(LINES[2], at="yesterday"), "its time"),
    "a name twice": (3, LINES[2].replace(b'"actor"', b'"actor":"x","actor"'), "stands twice"),
    "a name twice, deeper": (4, LINES[3].replace(b'"good"', b'"good":1,"good"'), "stands twice"),
    "white space": (3, LINES[2].replace(b",", b", ", 1), "white space"),
    "a carriage return": (3, LINES[2].replace(b"\n", b"\r\n"), "white space"),
    "another order": (
        4,
        LINES[3]
        .replace(b'"seq":4', b"")
        .replace(b'{"action"', b'{"seq":4,"action"')
        .replace(b",}", b"}"),
        "it is no line of a ledger|another order",
    ),
    "not JSON": (3, b'{"action":nothing}\n', "it is not JSON"),
    "not UTF-8": (3, LINES[2].replace(b"jane", b"j\xffne"), "it is not UTF-8"),
    "empty": (3, b"\n", "it is not JSON"),
    "huge": (3, b'{"action":' + b"x" * LONGEST_LINE + b"\n", "longer than any line"),
    "something else": (3, b'{"other":1}\n', "no line of a ledger"),
    "an anchor inside": (
        3,
        b'{"anchor":{"chain":"111122223333","hash":"%b","seq":2}}\n' % (b"0" * 64),
        "wrong place",
    ),
    "removed": (3, None, "entry 3 missing: entry 4 stands here"),
    "the first removed": (1, None, "entry 1 missing"),
    "cut off": (10, None, "the end does not fit", 13),
    "keys removed": (KEYS_LINE, None, "keys are missing"),
    "keys emptied": (KEYS_LINE, b'{"keys":[]}\n', "no key"),
    "a key too many": (
        KEYS_LINE,
        keys_line([KEY.jwk, NEXT_KEY.jwk, STRANGERS_KEY.jwk]),
        "has signed no",
        14,
    ),
    "a key twice": (KEYS_LINE, keys_line([KEY.jwk, NEXT_KEY.jwk, KEY.jwk]), "twice"),
    "a key under another's name": (
        KEYS_LINE,
        encode({"keys": [{**KEY.jwk.as_dict(), "kid": NEXT_KEY.kid}]}) + b"\n",
        "kid",
    ),
    "a checkpoint removed": (FIRST_CHECKPOINT, None, "has signed no", 13),
    "the end removed": (END, None, "breaks off here"),
    "the end changed": (END, LINES[-1].replace(b'"entries":10', b'"entries":11'), "does not fit"),
}


@pytest.mark.parametrize("case", BROKEN.values(), ids=BROKEN.keys())
def test_the_first_broken_line_is_named(case):
    """Whatever was done to one line shows there, or at the end where only that can tell."""
    at, line, why, *elsewhere = case
    with pytest.raises(BrokenLine, match=why) as broken:
        verify(_spoilt(at, line))
    assert broken.value.line == (*elsewhere, at)[0]


def _rehashed(line: bytes, old: bytes, new: bytes) -> bytes:
    """A line with another text in it, and the hash that its writer would have given it then."""
    entry = json.loads(line)
    text = line.removesuffix(b"\n").replace(old, new)
    member = b',"hash":"%b"' % entry["hash"].encode()
    digest = hashlib.sha256(text.replace(member, b"")).hexdigest()
    return text.replace(member, b',"hash":"%b"' % digest.encode()) + b"\n"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"good":true,"note"', b'"note":true,"good"'),
        (b'"session":"s-1","ticket"', b'"ticket":"s-1","session"'),
        (b'"session":"s-1","ticket"', b'"ticket":"s-1","ticket"'),
        (b'"good":true,"note"', '"\uffff":true,"\U0001f600"'.encode()),
        (b'"schema":1,"seq":4', b'"seq":4,"schema":1'),
        (b'"seconds":900', b'"seconds":900.0'),
        (b'"seconds":900', b'"seconds":90071992547409920'),
    ],
)
def test_whoever_wrote_the_chain_had_to_write_it_canonically(old, new):
    """Even where the hash is right: two readers must not make two things of one line."""
    line = _rehashed(LINES[3], old, new)
    assert line != LINES[3]
    with pytest.raises(BrokenLine, match=r"line 4: (it is not canonical|a detail of it)"):
        verify(_spoilt(4, line))


def test_names_beyond_ascii_are_put_in_order_as_the_rfc_says():
    """By UTF-16 unit, which differs from the order of code points."""
    ledger = Ledger()
    details = {"\uffff": 1, "\U0001f600": 2, "é": 3}
    ledger.write(an_event(LedgerAction.CANARY, details=details))
    assert verify(ledger.lines()).entries == 1


def test_only_what_checkpoints_speak_of_is_kept():
    """So memory does not grow with the number of entries."""
    walk = ChainWalk(remember={2, 99})
    for line in LINES[:5]:
        walk.step(line.removesuffix(b"\n"))
    assert walk.hashes.keys() == {2}


@pytest.mark.parametrize(
    "changes",
    [
        {"hash": "x"},
        {"hash": "F" * 64},
        {"chain": "x"},
        {"seq": 0},
        {"seq": -1},
        {"seq": True},
        {"seq": 1.5},
        {"more": 1},
    ],
)
def test_an_anchor_that_cannot_be_is_named(changes):
    """In its own line."""
    lines = a_ledger().lines(after=6)
    anchor = json.loads(lines[0])["anchor"]
    lines[0] = encode({"anchor": {**anchor, **changes}}) + b"\n"
    with pytest.raises(BrokenLine, match="line 1:"):
        verify(lines)


def test_what_cannot_be_decided_line_by_line_is_named_too():
    """Entries in another order, one twice, one put in, and a file that ends anywhere."""
    for lines, at in (
        ([*LINES[:2], LINES[3], LINES[2], *LINES[4:]], 3),
        ([*LINES[:4], LINES[3], *LINES[4:]], 5),
        ([*LINES[:4], _changed(LINES[4], actor="eve"), *LINES[4:]], 5),
        ([*LINES, LINES[-1]], END + 1),
        ([*LINES, LINES[0]], END + 1),
        ([*LINES[:11], LINES[12], LINES[11], LINES[13]], 13),
        ([*LINES[:12], LINES[11], *LINES[12:]], 13),
        ([*LINES[:11], LINES[10], *LINES[11:]], 12),
        ([], 1),
        *((LINES[:n], n + 1) for n in range(len(LINES))),
    ):
        with pytest.raises(BrokenLine) as broken:
            verify(lines)
        assert broken.value.line == at, (lines, broken.value)


def test_a_chain_that_was_built_anew_contradicts_its_checkpoint():
    """Every entry follows from the one before it, and none is the one that was signed."""
    forged = a_ledger()
    forged.entries, forged.heads, forged.head = (
        forged.entries[:3],
        forged.heads[:3],
        forged.heads[2],
    )
    forged.work(1)
    forged.write(an_event(LedgerAction.CANARY))
    forged.work(5)
    with pytest.raises(BrokenLine, match="line 12: it was signed over another entry 5"):
        verify(forged.lines())


def test_entries_cut_off_before_a_checkpoint_show_there():
    """Though the end was written anew, the checkpoint speaks of an entry that is gone."""
    cut = a_ledger().lines(through=7)
    whole = a_ledger().lines()
    spoilt = [*cut[:7], whole[10], whole[11], whole[12], cut[-1]]
    with pytest.raises(BrokenLine, match=r"line 10: .* entry 8, and the entries end with 7"):
        verify(spoilt)


def test_a_checkpoint_kept_elsewhere_shows_what_was_cut_off():
    """Even where every later checkpoint was cut off with the entries."""
    ledger = a_ledger()
    (_, first), (_, second) = ledger.checkpoints
    cut = ledger.lines(through=6)
    verify(cut, elsewhere=[first])
    with pytest.raises(BadCheckpoint, match="entry 8, and the entries end with 6"):
        verify(cut, elsewhere=[second])
    with pytest.raises(BadCheckpoint, match="before where the entries begin"):
        verify(ledger.lines(after=6), elsewhere=[first])
