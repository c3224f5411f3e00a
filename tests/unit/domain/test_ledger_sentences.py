"""Entries in words."""

from __future__ import annotations

import string
from collections.abc import Mapping
from datetime import UTC, datetime

import pytest

from broker.domain.ledger.entries import (
    BROKER_CHAIN,
    Detail,
    Event,
    Head,
    LedgerAction,
    LedgerEntry,
    Outcome,
    seal,
)
from broker.domain.ledger.sentences import Tone, spoken
from broker.domain.ledger.words import UNKNOWN, WORDS

NOW = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)


def entry(
    action: LedgerAction,
    outcome: Outcome = Outcome.DONE,
    *,
    reason: str | None = None,
    ids: Mapping[str, str] | None = None,
    details: Mapping[str, Detail] | None = None,
) -> LedgerEntry:
    """An entry of Ann's."""
    event = Event(
        actor="ann",
        action=action,
        outcome=outcome,
        reason=reason,
        ids=ids or {},
        details=details or {},
    )
    return seal(event, chain=BROKER_CHAIN, head=Head(), at=NOW)


def test_every_action_has_words() -> None:
    """Each action that can be written, and no other."""
    assert set(WORDS) == set(LedgerAction)
    assert all(WORDS.values())


@pytest.mark.parametrize("action", LedgerAction)
def test_each_outcome_is_a_sentence(action: LedgerAction) -> None:
    """Also where an entry lacks what the words would name, and for an outcome without words."""
    for outcome in Outcome:
        told = spoken(entry(action, outcome)).sentence
        assert told[0].isupper() or told.startswith(("ann", UNKNOWN))
        assert told.endswith(".")
        assert not any(name for _, name, _, _ in string.Formatter().parse(told))


def test_values_are_told_in_words() -> None:
    """Access, durations and approvers."""
    details: Mapping[str, Detail] = {"engineer": "gus", "access": "case", "seconds": 3600}
    asked = spoken(entry(LedgerAction.GRANT_REQUESTED, ids={"ticket": "T-1"}, details=details))
    assert asked.sentence == "gus asked to raise AWS support cases for ticket T-1, for 60 minutes."
    assert asked.tone is Tone.WAITING


def test_times_are_told_to_the_minute() -> None:
    """In UTC; whatever is no time is told as it stands."""
    details: Mapping[str, Detail] = {"from": "2026-03-01T10:30:20+01:00", "to": "for ever"}
    compared = spoken(entry(LedgerAction.LEDGER_RECONCILED, details=details))
    assert compared.sentence == (
        "ann compared CloudTrail with the ledger, 2026-03-01 09:30 UTC to for ever."
    )


@pytest.mark.parametrize(
    ("approver", "told"),
    [
        ("policy:standing", "Standing consent approved gus's request for ticket T-1."),
        ("policy:break-glass", "gus approved it themselves, for ticket T-1."),
        ("carl", "carl approved gus's request for ticket T-1."),
    ],
)
def test_who_approved(approver: str, told: str) -> None:
    """A policy is told from a person."""
    details = {"engineer": "gus", "verdict": "approved", "approver": approver}
    decided = spoken(entry(LedgerAction.GRANT_DECIDED, ids={"ticket": "T-1"}, details=details))
    assert (decided.sentence, decided.tone) == (told, Tone.GOOD)


def test_what_was_changed_is_named() -> None:
    """Each setting with its new value."""
    changed = entry(LedgerAction.ACCOUNT_CHANGED, details={"consent": "per_grant", "payer": "yes"})
    assert spoken(changed).sentence == (
        "The account's settings were changed: consent is now per grant, payer is now yes."
    )


def test_codes_read_like_words_and_people_are_quoted() -> None:
    """A reason that somebody gave stays as it is."""
    assert spoken(entry(LedgerAction.ACCESS_REFUSED, reason="consent_off")).reason == "consent off"
    assert spoken(entry(LedgerAction.ACCESS_REFUSED, reason="as_agreed, Carl")).reason == (
        "as_agreed, Carl"
    )
    assert spoken(entry(LedgerAction.ACCESS_REFUSED)).reason is None


def test_values_are_no_templates() -> None:
    """Braces in what somebody wrote name nothing."""
    hostile = {"customer": "{actor} {0} {customer.__class__}"}
    told = spoken(entry(LedgerAction.ACCOUNT_REGISTERED, details=hostile)).sentence
    assert told == "The account was registered for {actor} {0} {customer.__class__}."
