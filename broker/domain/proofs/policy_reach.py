"""How far policies reach: which of all actions a principal may do, whatever the circumstances.

Doubt counts against the principal. An Allow counts even where a condition or a resource limits
it; a Deny counts only where nothing limits it, and is told of otherwise. Source: IAM User Guide,
"Policy evaluation logic" and "Grammar of the IAM JSON policy language".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cache

from broker.domain.iam_documents import Document
from broker.domain.proofs.action_catalogue import ActionCatalogue, expression

Lookup = Callable[[str], frozenset[str]]
"""From a pattern to the catalogue's actions that it names."""

_MEMBERS = {"Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Condition"}


class UnreadablePolicyError(ValueError):
    """A document is not a policy as IAM's grammar has it."""


class Effect(Enum):
    """What a statement does to a request that it matches."""

    ALLOW = "Allow"
    DENY = "Deny"


class Naming(Enum):
    """Whether a statement speaks of the actions that it names, or of all the others."""

    THESE = "Action"
    ALL_BUT_THESE = "NotAction"


class Extent(Enum):
    """Whether a statement holds for every resource and without a condition."""

    WHOLE = "whole"
    PARTIAL = "partial"


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One statement of one policy. `resources` are the patterns of Resource, if it has that."""

    policy: str
    sid: str
    effect: Effect
    naming: Naming
    actions: tuple[str, ...]
    extent: Extent
    resources: tuple[str, ...] = ()
    conditional: bool = False

    def denies_wholly(self) -> bool:
        """Whether what it speaks of is denied in every case."""
        return self.effect is Effect.DENY and self.extent is Extent.WHOLE

    def may_speak_of(self, name: str) -> bool:
        """Whether it speaks of something that `name`, an action or a pattern, may stand for.

        Where it names only narrower things, those stand for themselves, and this is False.
        """
        if self.naming is Naming.ALL_BUT_THESE:
            return not any(covers(each, name) for each in self.actions)
        return any(_overlaps(each, name) and not _narrower(each, name) for each in self.actions)

    def speaks_surely_of(self, name: str) -> bool:
        """Whether it speaks of everything that `name`, an action or a pattern, may stand for."""
        if self.naming is Naming.ALL_BUT_THESE:
            return not any(_overlaps(each, name) for each in self.actions)
        return any(covers(each, name) for each in self.actions)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """What may be done.

    `actions` are the catalogue's, as `service:Name`. `unknown` are names and patterns of policies
    that mean nothing in the catalogue: actions too new for it, or of a service that has ended.
    """

    actions: frozenset[str]
    unknown: frozenset[str]


def statements_of(policy: str, document: Document) -> tuple[Statement, ...]:
    """The statements of a document. Raises UnreadablePolicyError for what IAM would not take."""
    listed = document.get("Statement")
    statements = [listed] if isinstance(listed, Mapping) else listed
    if not isinstance(statements, list):
        raise UnreadablePolicyError(f"{policy} has no statements")
    return tuple(_statement(policy, each) for each in statements)


def _statement(policy: str, found: object) -> Statement:
    if not isinstance(found, Mapping) or not found.keys() <= _MEMBERS:
        raise UnreadablePolicyError(f"{policy} has a statement that is none")
    naming, actions = _either(policy, found, Naming.THESE.value, Naming.ALL_BUT_THESE.value)
    named, resources = _either(policy, found, "Resource", "NotResource")
    resources = resources if named == "Resource" else ()
    conditional = bool(found.get("Condition"))
    whole = "*" in resources and not conditional
    try:
        effect = Effect(found.get("Effect"))
    except ValueError as e:
        raise UnreadablePolicyError(f"{policy} neither allows nor denies") from e
    return Statement(
        policy=policy,
        sid=str(found.get("Sid", "")),
        effect=effect,
        naming=Naming(naming),
        actions=actions,
        extent=Extent.WHOLE if whole else Extent.PARTIAL,
        resources=resources,
        conditional=conditional,
    )


def _either(
    policy: str, found: Mapping[str, object], one: str, other: str
) -> tuple[str, tuple[str, ...]]:
    """Which of two members a statement has, and its strings; it has exactly one of them."""
    if (one in found) == (other in found):
        raise UnreadablePolicyError(f"{policy} needs {one} or {other}")
    name = one if one in found else other
    value = found[name]
    strings = value if isinstance(value, list) else [value]
    if not all(isinstance(each, str) for each in strings):
        raise UnreadablePolicyError(f"{policy} has a {name} that is no string")
    return name, tuple(strings)


def reach(
    identity: Sequence[Statement],
    boundary: Sequence[Statement] | None,
    catalogue: ActionCatalogue,
) -> Reach:
    """What identity policies allow, the boundary allows too, and neither denies wholly.

    `boundary` is None where there is none: then nothing but a Deny limits the identity policies.
    """
    layers = [identity] if boundary is None else [identity, boundary]
    allowed = [_with_effect(Effect.ALLOW, layer) for layer in layers]
    denials = [each for layer in layers for each in layer if each.denies_wholly()]
    # The boundary and the policies name much the same, so each pattern is looked up once.
    named = cache(catalogue.named)
    actions = frozenset.intersection(*(_reached(layer, named) for layer in allowed))
    return Reach(
        actions=actions - _reached(denials, named),
        unknown=frozenset(
            name
            for layer in allowed
            for name in _meaningless(layer, named)
            if all(any(each.may_speak_of(name) for each in other) for other in allowed)
            and not any(each.speaks_surely_of(name) for each in denials)
        ),
    )


def _with_effect(effect: Effect, statements: Sequence[Statement]) -> list[Statement]:
    return [each for each in statements if each.effect is effect]


def _reached(statements: Iterable[Statement], named: Lookup) -> frozenset[str]:
    """The catalogue's actions that any of these statements speaks of."""
    return frozenset().union(*(_spoken_of(statement, named) for statement in statements))


def _spoken_of(statement: Statement, named: Lookup) -> frozenset[str]:
    these: frozenset[str] = frozenset().union(*map(named, statement.actions))
    return these if statement.naming is Naming.THESE else named("*") - these


def _meaningless(statements: Iterable[Statement], named: Lookup) -> set[str]:
    """What statements name and the catalogue does not know."""
    return {
        name
        for statement in statements
        if statement.naming is Naming.THESE
        for name in statement.actions
        if not named(name)
    }


def covers(pattern: str, other: str) -> bool:
    """Whether everything that `other` stands for, pattern or name, `pattern` stands for too."""
    return re.fullmatch(expression(pattern), other, re.IGNORECASE) is not None


def _overlaps(pattern: str, other: str) -> bool:
    """Whether some name may fit both; two patterns are judged by what stands before a wildcard."""
    one, two = _head(pattern), _head(other)
    if not (one.startswith(two) or two.startswith(one)):
        return False
    if len(one) == len(pattern) or len(two) == len(other):
        return covers(pattern, other) or covers(other, pattern)
    return True


def _narrower(pattern: str, other: str) -> bool:
    return covers(other, pattern) and not covers(pattern, other)


def _head(pattern: str) -> str:
    return re.split(r"[*?]", pattern.lower(), maxsplit=1)[0]
