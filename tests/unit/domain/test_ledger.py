"""The ledger: whatever is done to a chain afterwards, the first broken entry is named."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import timedelta

import pytest

from broker.domain.ledger.entries import (
    BROKER_CHAIN,
    GENESIS,
    BrokenChain,
    Chain,
    Event,
    Head,
    LedgerAction,
    Outcome,
    chain_of,
    seal,
    verify,
)
from tests.unit.domain.making import ACCOUNT, NOW

CHAIN = chain_of(ACCOUNT)


def entries(count: int = 5):
    """A good chain."""
    head, made = Head(), []
    for number in range(count):
        event = Event(
            actor="jane",
            action=LedgerAction.SESSION_OPENED,
            outcome=Outcome.DONE,
            ids={"ticket": f"T-{number}"},
            details={"seconds": 900, "services": ["ec2"], "note": "grüße \u2028"},
        )
        entry = seal(event, chain=CHAIN, head=head, at=NOW + timedelta(seconds=number))
        head = Head(entry.seq, entry.hash)
        made.append(entry)
    return made


def test_a_good_chain_verifies_to_its_head():
    """The head is the last entry's place."""
    chain = entries()
    assert verify(chain, chain=CHAIN) == Head(5, chain[-1].hash)
    assert verify(chain[2:], chain=CHAIN, after=Head(2, chain[1].hash)).seq == 5
    assert verify([], chain=CHAIN) == Head(0, GENESIS)


def test_the_hash_is_over_the_canonical_form():
    """A hash computed with nothing of ours (a vector made once with sha256sum) never changes."""
    entry = entries(1)[0]
    canonical = (
        '{"action":"session.opened","actor":"jane","at":"2026-11-24T12:00:00Z",'
        '"chain":"111122223333","details":{"note":"grüße \u2028","seconds":900,"services":["ec2"]},'
        '"ids":{"ticket":"T-0"},"outcome":"done","previous_hash":"' + "0" * 64 + '",'
        '"reason":null,"schema":1,"seq":1}'
    )
    assert entry.hash == hashlib.sha256(canonical.encode()).hexdigest()


TAMPERINGS = {
    "actor changed": (lambda c: [*c[:2], replace(c[2], actor="john"), *c[3:]], 3),
    "detail changed": (lambda c: [*c[:2], replace(c[2], details={}), *c[3:]], 3),
    "time changed": (lambda c: [*c[:2], replace(c[2], at="2026-11-24T12:00:09Z"), *c[3:]], 3),
    "hash changed": (lambda c: [*c[:2], replace(c[2], hash="f" * 64), *c[3:]], 3),
    "removed": (lambda c: [*c[:2], *c[3:]], 3),
    "first removed": (lambda c: c[1:], 1),
    "reordered": (lambda c: [c[0], c[2], c[1], *c[3:]], 2),
    "inserted twice": (lambda c: [*c[:3], c[2], *c[3:]], 4),
    "of another chain": (lambda c: [*c[:4], replace(c[4], chain=BROKER_CHAIN)], 5),
}


@pytest.mark.parametrize(("tamper", "seq"), TAMPERINGS.values(), ids=TAMPERINGS.keys())
def test_tampering_shows_at_its_place(tamper, seq):
    """The first entry that is not as it was written is named."""
    with pytest.raises(BrokenChain) as caught:
        verify(tamper(entries()), chain=CHAIN)
    assert caught.value.seq == seq


def test_a_changed_entry_with_a_new_hash_breaks_its_successor():
    """Forging one entry well moves the break to the next."""
    chain = entries()
    forged = seal(
        Event(actor="john", action=LedgerAction.SESSION_OPENED, outcome=Outcome.DONE),
        chain=CHAIN,
        head=Head(2, chain[1].hash),
        at=NOW,
    )
    with pytest.raises(BrokenChain, match="entry 4: does not follow"):
        verify([*chain[:2], forged, *chain[3:]], chain=CHAIN)


def test_an_empty_chain_name_is_another_chain():
    """Entries prove nothing about a chain that they do not name."""
    with pytest.raises(BrokenChain):
        verify(entries(), chain=Chain(""))
