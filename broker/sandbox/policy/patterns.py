"""Patterns of IAM policies: wildcards, policy variables and large sets of action names.

Every question asked of a policy has three answers. What the sandbox cannot decide is UNKNOWN,
and the evaluation turns UNKNOWN against the caller: an Allow needs YES, a Deny needs no more
than UNKNOWN.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

Context = Mapping[str, str | Sequence[str]]
"""Condition keys of a request, with lower-case names; a key is multivalued if it holds a list."""


class PolicyError(ValueError):
    """A policy document that IAM would refuse, or that the sandbox does not understand."""


class Match(Enum):
    """Whether an element of a statement covers a request."""

    NO = 0
    UNKNOWN = 1
    YES = 2

    @classmethod
    def of(cls, condition: object) -> Match:
        return cls.YES if condition else cls.NO

    def negated(self) -> Match:
        return Match(2 - self.value)


def every(matches: Iterable[Match]) -> Match:
    """Kleene's conjunction: the least certain of the answers; YES for none."""
    return min(matches, key=lambda match: match.value, default=Match.YES)


def some(matches: Iterable[Match]) -> Match:
    """Kleene's disjunction: the most certain of the answers; NO for none."""
    return max(matches, key=lambda match: match.value, default=Match.NO)


class Wildcards(Enum):
    """Whether `*` and `?` stand for other characters or for themselves."""

    EXPANDED = "expanded"
    LITERAL = "literal"


_VARIABLE = re.compile(r"\$\{([^}]*)\}")
_DEFAULTED = re.compile(r"([^,\s]+)\s*,\s*'([^']*)'")
_ESCAPES = ("*", "?", "$")


def wildcard_expression(text: str, wildcards: Wildcards = Wildcards.EXPANDED) -> str:
    """A regular expression for `text`, in which `*` is any run and `?` any one character."""
    if wildcards is Wildcards.LITERAL:
        return re.escape(text)
    replaced = {"*": ".*", "?": "."}
    return "".join(replaced.get(character) or re.escape(character) for character in text)


@dataclass(frozen=True)
class Pattern:
    """A policy value that may hold policy variables (`${aws:PrincipalTag/Ticket}`)."""

    text: str
    has_variables: bool

    @classmethod
    def parse(cls, text: str, *, variables: bool) -> Pattern:
        """`variables` is false for documents of version 2008-10-17, which know none."""
        return cls(text, variables and "${" in text)

    def expression(self, context: Context, wildcards: Wildcards) -> str | None:
        """A regular expression; None if a variable has no single value in the context.

        A variable's value stands for itself: wildcards in it are not expanded.
        """
        if not self.has_variables:
            return wildcard_expression(self.text, wildcards)
        parts = _VARIABLE.split(self.text)
        built = [wildcard_expression(parts[0], wildcards)]
        for name, literal in zip(parts[1::2], parts[2::2], strict=True):
            value = _resolve(name, context)
            if value is None:
                return None
            built += [re.escape(value), wildcard_expression(literal, wildcards)]
        return "".join(built)


def _resolve(name: str, context: Context) -> str | None:
    if name in _ESCAPES:
        return name
    defaulted = _DEFAULTED.fullmatch(name)
    key, default = defaulted.groups() if defaulted else (name, None)
    value = context.get(key.lower(), default)
    return value if isinstance(value, str) else None


_ACTION = re.compile(r"\*|[A-Za-z0-9*?-]+:[A-Za-z0-9*?]+")


@dataclass(frozen=True)
class ActionSet:
    """The actions of one statement, compiled once: ReadOnlyAccess alone names 2,000 patterns."""

    exact: frozenset[str]
    patterns: Mapping[str, re.Pattern[str]] = field(repr=False)
    """Keyed by service; the patterns of any service are under `*`."""

    @classmethod
    def parse(cls, actions: Iterable[str]) -> ActionSet:
        exact: set[str] = set()
        by_service: dict[str, list[str]] = {}
        for action in actions:
            if not _ACTION.fullmatch(action):
                raise PolicyError(f"Action {action!r} is not of the form service:operation")
            name = action.lower()
            service = name.partition(":")[0]
            if "*" in service or "?" in service:
                by_service.setdefault("*", []).append(name)
            elif "*" in name or "?" in name:
                by_service.setdefault(service, []).append(name)
            else:
                exact.add(name)
        return cls(frozenset(exact), {key: _any_of(names) for key, names in by_service.items()})

    def match(self, action: str) -> Match:
        """Action names are compared without regard to case."""
        name = action.lower()
        candidates = (self.patterns.get(name.partition(":")[0]), self.patterns.get("*"))
        return Match.of(
            name in self.exact or any(found and found.fullmatch(name) for found in candidates)
        )


def _any_of(names: Sequence[str]) -> re.Pattern[str]:
    return re.compile("|".join(wildcard_expression(name) for name in names), re.DOTALL)
