"""What an entry says, as a sentence for people; the entry itself is what counts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from broker.domain.grants import Access, GrantState
from broker.domain.ledger.entries import Detail, LedgerAction, LedgerEntry, Outcome
from broker.domain.ledger.words import UNKNOWN, WORDS

_CODE = re.compile(r"[a-z]+(_[a-z]+)*")
_ACCESS = {Access.READ: "read the account", Access.CASE: "raise AWS support cases"}
_MILLISECOND = timedelta(milliseconds=1)
_TIMES = ("expires_at", "from", "to")
"""Details that are times."""


class Tone(StrEnum):
    """How much an entry stands out."""

    GOOD = "good"
    WAITING = "waiting"
    BAD = "bad"
    QUIET = "quiet"


@dataclass(frozen=True, slots=True)
class Spoken:
    """An entry in words: what happened, and the reason where one was given."""

    sentence: str
    reason: str | None
    tone: Tone


def spoken(entry: LedgerEntry) -> Spoken:
    """`entry` in words. What this version does not know is named as it is written."""
    return Spoken(_sentence(entry), _reason(entry), _tone(entry))


def _sentence(entry: LedgerEntry) -> str:
    words = WORDS.get(entry.action, {})
    told = words.get(entry.outcome)
    if told is None:
        return f"{entry.action.replace('.', ' ').replace('_', ' ').capitalize()}: {entry.outcome}."
    values = _Values(_values(entry))
    return told.format_map(values) if isinstance(told, str) else told(values)


def _reason(entry: LedgerEntry) -> str | None:
    """What was given as the reason; a code reads like words."""
    if not entry.reason:
        return None
    coded = _CODE.fullmatch(entry.reason) is not None
    return entry.reason.replace("_", " ") if coded else entry.reason


def _tone(entry: LedgerEntry) -> Tone:
    if entry.outcome in (Outcome.REFUSED, Outcome.FAILED):
        return Tone.BAD
    if entry.action == LedgerAction.GRANT_DECIDED:
        approved = entry.details.get("verdict") == GrantState.APPROVED
        return Tone.GOOD if approved else Tone.BAD
    return _TONES.get((entry.action, entry.outcome), Tone.QUIET)


_TONES: Mapping[tuple[str, str], Tone] = {
    (LedgerAction.GLASS_BROKEN, Outcome.DONE): Tone.BAD,
    (LedgerAction.GRANT_REQUESTED, Outcome.DONE): Tone.WAITING,
    (LedgerAction.GRANT_REVOKED, Outcome.DONE): Tone.WAITING,
    (LedgerAction.SESSION_OPENED, Outcome.DONE): Tone.GOOD,
    (LedgerAction.SESSION_REVOKED, Outcome.INTENDED): Tone.WAITING,
    (LedgerAction.ACCOUNT_REVOKED, Outcome.INTENDED): Tone.WAITING,
    (LedgerAction.ACCOUNT_CHANGED, Outcome.DONE): Tone.WAITING,
    (LedgerAction.LEDGER_SIGNED, Outcome.DONE): Tone.GOOD,
    (LedgerAction.ACCOUNT_PROVED, Outcome.DONE): Tone.GOOD,
}


class _Values(dict[str, str]):
    def __missing__(self, name: str) -> str:
        return UNKNOWN


def _values(entry: LedgerEntry) -> Mapping[str, str]:
    """All that a sentence may name: ids and details as text, and a few of them in words."""
    given = {name: _text(detail) for name, detail in {**entry.ids, **entry.details}.items()}
    given |= {name: _moment(given[name]) for name in _TIMES if name in given}
    match entry.details.get("access"):
        case "read" | "case" as access:
            given["access"] = _ACCESS[Access(access)]
    match entry.details.get("seconds"):
        case int(seconds):
            given["lasting"] = _minutes(timedelta(seconds=seconds))
    match entry.details.get("milliseconds"):
        case int(milliseconds):
            given["took"] = f"{milliseconds * _MILLISECOND / timedelta(seconds=1):.1f} seconds"
    return {**given, "actor": entry.actor}


def _text(detail: Detail) -> str:
    if isinstance(detail, bool):
        return "yes" if detail else "no"
    return ", ".join(detail) if isinstance(detail, list) else str(detail)


def _moment(text: str) -> str:
    """A time as pages write it, to the minute; what is none stays as it is."""
    try:
        return datetime.fromisoformat(text).astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
    except ValueError:
        return text


def _minutes(duration: timedelta) -> str:
    minutes = duration // timedelta(minutes=1)
    return f"{minutes} minute{'s' if minutes != 1 else ''}"
