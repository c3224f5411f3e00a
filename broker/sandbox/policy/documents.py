"""Policy documents: JSON in, checked statements out; nothing unknown is ever ignored.

Source: IAM User Guide, "Grammar of the IAM JSON policy language".
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from broker.sandbox.policy.conditions import Condition, Presence, parse_conditions
from broker.sandbox.policy.patterns import (
    ActionSet,
    Context,
    Match,
    Pattern,
    PolicyError,
    Wildcards,
    some,
)


class PolicyKind(Enum):
    """Where a document is attached, which decides what its statements must name."""

    IDENTITY = "identity"  # also permissions boundaries and session policies: a Resource
    TRUST = "trust"  # a role's AssumeRolePolicyDocument: a Principal


class Effect(Enum):
    ALLOW = "Allow"
    DENY = "Deny"


class Polarity(Enum):
    """Action against NotAction, Resource against NotResource."""

    NAMED = "named"
    EXCEPT = "except"

    def apply(self, match: Match) -> Match:
        return match if self is Polarity.NAMED else match.negated()


@dataclass(frozen=True)
class Actions:
    polarity: Polarity
    names: ActionSet

    def match(self, action: str) -> Match:
        return self.polarity.apply(self.names.match(action))


@dataclass(frozen=True)
class Resources:
    polarity: Polarity
    patterns: tuple[Pattern, ...]

    def match(self, resource: str | None, context: Context) -> Match:
        """A resource of None is one that the sandbox does not know: only `*` surely covers it."""
        return self.polarity.apply(
            some(_match_resource(pattern, resource, context) for pattern in self.patterns)
        )


def _match_resource(pattern: Pattern, resource: str | None, context: Context) -> Match:
    if pattern.text == "*":
        return Match.YES
    expression = pattern.expression(context, Wildcards.EXPANDED)
    if resource is None or expression is None:
        return Match.UNKNOWN
    return Match.of(re.fullmatch(expression, resource, re.DOTALL))


@dataclass(frozen=True)
class Statement:
    """One statement; exactly one of `resources` and `principals` is set, by the policy's kind."""

    effect: Effect
    actions: Actions
    resources: Resources | None
    principals: Mapping[str, tuple[str, ...]] | None
    conditions: tuple[Condition | Presence, ...]


@dataclass(frozen=True)
class PolicyDocument:
    """A checked policy."""

    kind: PolicyKind
    statements: tuple[Statement, ...]

    @classmethod
    def loads(cls, text: str, kind: PolicyKind) -> PolicyDocument:
        """From JSON text; a repeated key is an error, since it would hide the first one."""
        try:
            document = json.loads(text, object_pairs_hook=_unique)
        except (json.JSONDecodeError, RecursionError) as error:
            raise PolicyError("The policy is not valid JSON") from error
        return cls.parse(document, kind)

    @classmethod
    def parse(cls, document: Any, kind: PolicyKind) -> PolicyDocument:
        """Raises PolicyError for whatever IAM's grammar does not have."""
        _require_members(document, {"Version", "Id", "Statement"}, "policy")
        version = document.get("Version", "2008-10-17")
        if version not in ("2008-10-17", "2012-10-17"):
            raise PolicyError(f"Unknown policy version: {version!r}")
        statements = document.get("Statement")
        listed = statements if isinstance(statements, list) else [statements]
        if not listed:
            raise PolicyError("A policy must have at least one statement")
        variables = version == "2012-10-17"
        parsed = tuple(_parse_statement(each, kind, variables=variables) for each in listed)
        sids = [each["Sid"] for each in listed if each.get("Sid")]
        if len(sids) != len(set(sids)):
            raise PolicyError("Statement IDs (SID) in a single policy must be unique")
        return cls(kind, parsed)


def _unique(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise PolicyError("The policy repeats a key")
    return members


_COMMON = {"Sid", "Effect", "Action", "NotAction", "Condition"}
_MEMBERS = {
    PolicyKind.IDENTITY: _COMMON | {"Resource", "NotResource"},
    PolicyKind.TRUST: _COMMON | {"Principal"},
}


def _parse_statement(statement: Any, kind: PolicyKind, *, variables: bool) -> Statement:
    _require_members(statement, _MEMBERS[kind], "statement")
    effect = statement.get("Effect")
    if effect not in ("Allow", "Deny"):
        raise PolicyError(f"Effect must be Allow or Deny, not {effect!r}")
    if not isinstance(statement.get("Sid", ""), str):
        raise PolicyError("Sid must be a string")
    polarity, names = _either(statement, "Action")
    resources = principals = None
    if kind is PolicyKind.IDENTITY:
        of, targets = _either(statement, "Resource")
        patterns = tuple(
            Pattern.parse(_checked_resource(each), variables=variables) for each in targets
        )
        resources = Resources(of, patterns)
    else:
        principals = _parse_principal(statement.get("Principal"))
    return Statement(
        effect=Effect(effect),
        actions=Actions(polarity, ActionSet.parse(names)),
        resources=resources,
        principals=principals,
        conditions=parse_conditions(statement.get("Condition", {}), variables=variables),
    )


def _require_members(value: Any, known: set[str], what: str) -> None:
    if not isinstance(value, Mapping):
        raise PolicyError(f"A {what} must be an object")
    unknown = sorted(set(value) - known)
    if unknown:
        raise PolicyError(f"Unknown element in a {what}: {', '.join(unknown)}")


def _either(statement: Mapping[str, Any], name: str) -> tuple[Polarity, list[str]]:
    """The values of `name` or of `Not<name>`, of which a statement has exactly one."""
    if (name in statement) == (f"Not{name}" in statement):
        raise PolicyError(f"A statement must have exactly one of {name} and Not{name}")
    if name in statement:
        return Polarity.NAMED, _strings(statement[name], name)
    return Polarity.EXCEPT, _strings(statement[f"Not{name}"], f"Not{name}")


def _strings(value: Any, name: str) -> list[str]:
    listed = value if isinstance(value, list) else [value]
    if not listed or not all(isinstance(each, str) and each for each in listed):
        raise PolicyError(f"{name} must be a string or a list of strings, and not empty")
    return listed


def _checked_resource(resource: str) -> str:
    if resource != "*" and not resource.startswith(("arn:", "*", "${")):
        raise PolicyError(f"Resource {resource!r} must be in ARN format or '*'")
    return resource


_PRINCIPAL_KINDS = {"AWS", "Federated", "Service"}


def _parse_principal(principal: Any) -> Mapping[str, tuple[str, ...]]:
    if principal == "*":
        return {"*": ("*",)}
    _require_members(principal, _PRINCIPAL_KINDS, "principal")
    if not principal:
        raise PolicyError("A trust policy must name a Principal")
    return {kind: tuple(_strings(names, "Principal")) for kind, names in principal.items()}
