"""Setting the conditions of a trust policy beside those that a token meets, one by one.

How AWS reads them: IAM User Guide, "Condition operators" and "Set operators for multi-valued
context keys".
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

_SHOWN = 120
"""Characters of a customer's text that are repeated."""

_WHAT = {
    "aud": "audience",
    "sub": "subject",
    "sts:SourceIdentity": "source identity",
    "aws:RequestTag/Ticket": "ticket",
    "aws:RequestTag/Session": "session tag",
    "sts:RoleAuthorizedByIdp": "pinning to one role",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One way in which a policy is not as the broker's; `harmless` where AWS does not mind."""

    found: str
    meaning: str
    mend: str
    harmless: bool = False


@dataclass(frozen=True, slots=True)
class Entry:
    """One key of a condition block, under its operator."""

    operator: str
    key: str
    values: tuple[str, ...]

    @property
    def what(self) -> str:
        """What the key is about, in words."""
        return _WHAT.get(self.key) or _WHAT.get(self.key.rpartition(":")[2]) or shown(self.key)


def shown(value: object) -> str:
    """A text from the customer's account, quoted so that it can do nothing where it is printed."""
    text = json.dumps(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def condition_differences(wanted: object, found: object) -> Iterator[Difference]:
    """How the Condition of a statement differs from the wanted one."""
    demands, entries = _entries(wanted), _entries(found)
    explained: set[Entry] = set()
    for demand in demands:
        named = [entry for entry in entries if _same_key(entry, demand)]
        if demand in named:
            explained.add(demand)
        elif named:
            explained.update(named)
            for entry in named:
                yield from _compared(demand, entry)
        elif (mistaken := _mistaken(demand, entries)) is not None:
            explained.add(mistaken)
            yield _wrong_key(demand, mistaken)
        else:
            yield _missing(demand)
    for entry in entries:
        if entry not in explained:
            yield _added(entry)


def _entries(condition: object) -> list[Entry]:
    if not isinstance(condition, Mapping):
        return []
    return [
        Entry(str(operator), str(key), _texts(values))
        for operator, keys in condition.items()
        if isinstance(keys, Mapping)
        for key, values in keys.items()
    ]


def _texts(values: object) -> tuple[str, ...]:
    listed = values if isinstance(values, list | tuple) else [values]
    return tuple(value if isinstance(value, str) else json.dumps(value) for value in listed)


def _same_key(entry: Entry, demand: Entry) -> bool:
    """IAM compares the names of keys without their letter case."""
    return entry.key.casefold() == demand.key.casefold()


def _mistaken(demand: Entry, entries: list[Entry]) -> Entry | None:
    """A key of the same claim under another issuer's name: meant for ours, in all likelihood."""
    claim = demand.key.rpartition(":")[2]
    if claim not in ("aud", "sub"):
        return None
    return next((entry for entry in entries if entry.key.rpartition(":")[2] == claim), None)


def _wrong_key(demand: Entry, mistaken: Entry) -> Difference:
    ours, theirs = (entry.key.rpartition(":")[0] for entry in (demand, mistaken))
    if theirs.rstrip("/").casefold() == ours.casefold():
        found = f"The condition key for the {demand.what} has a trailing slash after the issuer"
    elif theirs.partition("://")[2].rstrip("/") == ours:
        found = f"The condition key for the {demand.what} begins with a scheme"
    else:
        found = f"The condition key for the {demand.what} names another issuer"
    return Difference(
        found=f"{found}: {shown(mistaken.key)}.",
        meaning="No token has such a key, so AWS refuses every token.",
        mend=f"Name the key {shown(demand.key)}, exactly.",
    )


def _missing(demand: Entry) -> Difference:
    name = f"{demand.operator} {shown(demand.key)}"
    if demand.operator == "Bool":
        return Difference(
            found=f"The role is not pinned: {name} is missing.",
            meaning="AWS accepts tokens that name no role, so one that was minted for another "
            "purpose opens this role too.",
            mend="Demand it as " + shown("true") + ".",
        )
    return Difference(
        found=f"The condition for the {demand.what} is missing: {name}.",
        meaning=f"AWS does not ask for the {demand.what} and accepts tokens without it or with "
        "any other.",
        mend=f"Demand {shown(demand.values[0])} there.",
    )


def _added(entry: Entry) -> Difference:
    listed = ", ".join(shown(value) for value in entry.values)
    return Difference(
        found=f"There is one more condition: {entry.operator} {shown(entry.key)} with {listed}.",
        meaning="AWS refuses every token that does not meet it as well.",
        mend="Take it out, unless it is meant to keep us out: then switch the consent off instead.",
    )


def _compared(demand: Entry, entry: Entry) -> Iterator[Difference]:
    if entry.key != demand.key:
        yield Difference(
            found=f"The condition key for the {demand.what} is in another letter case: "
            f"{shown(entry.key)}.",
            meaning="IAM reads keys without their case, other tools may not.",
            mend=f"Write it as {shown(demand.key)}.",
            harmless=True,
        )
    if entry.operator == demand.operator:
        yield from _values_compared(demand, entry)
    else:
        yield _operators_compared(demand, entry)


def _operators_compared(demand: Entry, entry: Entry) -> Difference:
    found = f"The {demand.what} is compared with {entry.operator}, not {demand.operator}"
    mend = f"Compare with {demand.operator} to {shown(demand.values[0])}."
    if entry.operator.startswith("ForAllValues:") or entry.operator.endswith("IfExists"):
        return Difference(
            found=f"{found}.",
            meaning=f"That holds where the {demand.what} is absent: AWS accepts tokens without it.",
            mend=mend,
        )
    wild = [value for value in entry.values if _is_pattern(value)]
    if entry.operator == "StringEquals" and wild:
        return _wildcard_under_string_equals(demand, wild[0])
    if demand.operator == "StringEquals" and entry.operator == "StringLike" and wild:
        return Difference(
            found=f"{found}, to the pattern {shown(wild[0])}.",
            meaning=f"AWS accepts every {demand.what} that matches, not ours alone.",
            mend=mend,
        )
    return Difference(
        found=f"{found}.",
        meaning="AWS does not decide here as the broker's policy would.",
        mend=mend,
    )


def _wildcard_under_string_equals(demand: Entry, value: str) -> Difference:
    right = "StringLike" if demand.operator == "StringLike" else "the exact value"
    return Difference(
        found=f"The {demand.what} has a wildcard under StringEquals: {shown(value)}.",
        meaning="StringEquals takes the wildcard for the character itself, which no token has, so "
        "AWS refuses every token.",
        mend=f"Use {right}: {demand.operator} with {shown(demand.values[0])}.",
    )


def _values_compared(demand: Entry, entry: Entry) -> Iterator[Difference]:
    (wanted,) = demand.values
    others = [value for value in entry.values if not _same_value(demand, value)]
    if not others:
        return
    if len(others) < len(entry.values):
        listed = ", ".join(shown(value) for value in others)
        yield Difference(
            found=f"More than ours is accepted as the {demand.what}: {listed}.",
            meaning=f"AWS accepts tokens with another {demand.what}.",
            mend=f"Leave {shown(wanted)} alone there.",
        )
        return
    yield _value_compared(demand, others[0])


def _same_value(demand: Entry, value: str) -> bool:
    (wanted,) = demand.values
    return value == wanted or (demand.operator == "Bool" and value.lower() == wanted)


def _value_compared(demand: Entry, value: str) -> Difference:
    (wanted,) = demand.values
    if demand.operator == "Bool":
        return Difference(
            found=f"The {demand.what} is forbidden instead of demanded: {shown(value)}.",
            meaning="AWS refuses our tokens, which name their role, and accepts those that do not.",
            mend=f"Demand {shown(wanted)}.",
        )
    if demand.operator == "StringLike":
        return Difference(
            found=f"The {demand.what} is compared to {shown(value)}, not to {shown(wanted)}.",
            meaning="AWS asks for another presence than the broker's policy does: it accepts what "
            "is empty, or refuses what is not of this form.",
            mend=f"Demand {shown(wanted)}: anything, but not nothing.",
        )
    if _is_pattern(value):
        return _wildcard_under_string_equals(demand, value)
    return Difference(
        found=f"{_how_they_differ(demand.what, wanted, value)}: {shown(value)}.",
        meaning=f"Our tokens say {shown(wanted)}, and AWS compares character by character, so it "
        "refuses every one.",
        mend=f"Demand {shown(wanted)}, exactly.",
    )


def _how_they_differ(what: str, wanted: str, value: str) -> str:
    if value.rstrip("/") == wanted:
        return f"The {what} has a trailing slash"
    if value.strip() == wanted:
        return f"The {what} has white space around it"
    if value.casefold() == wanted.casefold():
        return f"The {what} is in another letter case"
    return f"Another {what} is demanded"


def _is_pattern(value: str) -> bool:
    return "*" in value or "?" in value
