"""Condition blocks of IAM policies: operators, set operators and `IfExists`.

Source: IAM User Guide, "IAM JSON policy elements: Condition operators" and "Set operators for
multi-valued context keys".
"""

from __future__ import annotations

import ipaddress
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from functools import partial
from itertools import zip_longest
from typing import Any

from broker.sandbox.policy.patterns import (
    Context,
    Match,
    Pattern,
    PolicyError,
    Wildcards,
    every,
    some,
)

Compare = Callable[[str, Pattern, Context], Match]
"""Whether a value of the request is the one that the policy names."""


class SetOperator(Enum):
    """How a condition speaks about several values of one key."""

    SINGLE = ""
    FOR_ANY = "ForAnyValue"
    FOR_ALL = "ForAllValues"


class WhenAbsent(Enum):
    """What a condition says of a request that lacks the key."""

    DECIDED_BY_OPERATOR = "decided by operator"
    HOLDS = "holds"  # the suffix IfExists


@dataclass(frozen=True)
class Operator:
    """One comparison; the negated form holds where the plain form does not."""

    compare: Compare
    negated: bool = False
    check: Callable[[str], object] = str


@dataclass(frozen=True)
class Condition:
    """One key of one operator block: `{"StringEquals": {"aws:PrincipalTag/Ticket": ["T-1"]}}`."""

    operator: Operator
    set_operator: SetOperator
    when_absent: WhenAbsent
    key: str
    values: tuple[Pattern, ...]

    def match(self, context: Context) -> Match:
        present = context.get(self.key)
        values = [present] if isinstance(present, str) else list(present or ())
        if not values:
            return self._match_absent()
        tests = [self._match_value(value, context) for value in values]
        if self.set_operator is SetOperator.FOR_ALL:
            return every(tests)
        if self.set_operator is SetOperator.FOR_ANY:
            return some(tests)
        # IAM leaves open what an operator without a set operator says of several values.
        return tests[0] if len(tests) == 1 else Match.UNKNOWN

    def _match_absent(self) -> Match:
        if self.when_absent is WhenAbsent.HOLDS:
            return Match.YES
        if self.set_operator is SetOperator.SINGLE:
            return Match.of(self.operator.negated)
        return Match.of(self.set_operator is SetOperator.FOR_ALL)

    def _match_value(self, value: str, context: Context) -> Match:
        found = some(self.operator.compare(value, wanted, context) for wanted in self.values)
        return found.negated() if self.operator.negated else found


@dataclass(frozen=True)
class Presence:
    """The operator Null: `"true"` wants the key absent, `"false"` wants it present."""

    key: str
    values: tuple[str, ...]

    def match(self, context: Context) -> Match:
        absent = "false" if context.get(self.key) else "true"
        return Match.of(absent in self.values)


def parse_conditions(block: Any, *, variables: bool) -> tuple[Condition | Presence, ...]:
    """The conditions of a statement, all of which must hold.

    Raises PolicyError for an operator that IAM does not have or a value it cannot compare.
    """
    if not isinstance(block, Mapping):
        raise PolicyError("Condition must be an object")
    conditions: list[Condition | Presence] = []
    for name, keys in block.items():
        if not isinstance(keys, Mapping):
            raise PolicyError(f"Condition operator {name} must hold an object")
        for key, values in keys.items():
            conditions.append(_parse_condition(name, key, _texts(values), variables=variables))
    return tuple(conditions)


_NAME = re.compile(r"(?:(ForAnyValue|ForAllValues):)?([A-Za-z]+?)(IfExists)?")


def _parse_condition(
    name: str, key: str, values: Sequence[str], *, variables: bool
) -> Condition | Presence:
    parts = _NAME.fullmatch(name)
    if not key or parts is None:
        raise PolicyError(f"Condition {name} {key!r} is malformed")
    if name == "Null":
        return Presence(key.lower(), tuple(_boolean(value) for value in values))
    if parts[2] not in OPERATORS:
        raise PolicyError(f"Unknown condition operator: {name}")
    operator_ = OPERATORS[parts[2]]
    patterns = tuple(Pattern.parse(value, variables=variables) for value in values)
    for pattern in patterns:
        if not pattern.has_variables:
            operator_.check(pattern.text)
    absent = WhenAbsent.HOLDS if parts[3] else WhenAbsent.DECIDED_BY_OPERATOR
    return Condition(operator_, SetOperator(parts[1] or ""), absent, key.lower(), patterns)


def _texts(values: Any) -> list[str]:
    listed = values if isinstance(values, list) else [values]
    texts = []
    for value in listed:
        if isinstance(value, bool):
            texts.append(str(value).lower())
        elif isinstance(value, str | int | float):
            texts.append(str(value))
        else:
            raise PolicyError("A condition value must be a string, a number or a boolean")
    return texts


def _by_expression(
    value: str,
    wanted: Pattern,
    context: Context,
    *,
    wildcards: Wildcards,
    flags: re.RegexFlag = re.NOFLAG,
) -> Match:
    expression = wanted.expression(context, wildcards)
    if expression is None:
        return Match.UNKNOWN
    return Match.of(re.fullmatch(expression, value, flags | re.DOTALL))


def _as_arn(value: str, wanted: Pattern, context: Context) -> Match:
    """Each of the six parts is compared by itself, so no wildcard reaches over a colon."""
    pairs = zip_longest(value.split(":", 5), _arn_parts(wanted.text))
    tests = []
    for have, part in pairs:
        if have is None or part is None:
            return Match.NO
        pattern = Pattern(part, wanted.has_variables)
        tests.append(_by_expression(have, pattern, context, wildcards=Wildcards.EXPANDED))
    return every(tests)


_ARN_TOKEN = re.compile(r"\$\{[^}]*\}|[^:]|(:)")


def _arn_parts(text: str) -> list[str]:
    """Split at the first five colons that are not inside a policy variable."""
    parts = [""]
    for token in _ARN_TOKEN.finditer(text):
        if token[1] and len(parts) < 6:
            parts.append("")
        else:
            parts[-1] += token[0]
    return parts


def _by_value(
    value: str,
    wanted: Pattern,
    _context: Context,
    *,
    read: Callable[[str], Any],
    test: Callable[[Any, Any], bool],
) -> Match:
    if wanted.has_variables:
        return Match.UNKNOWN  # variables belong to string and ARN operators
    try:
        return Match.of(test(read(value), read(wanted.text)))
    except PolicyError:
        return Match.UNKNOWN


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise PolicyError(f"{text!r} is not a number") from error


def _instant(text: str) -> datetime:
    """ISO 8601 or seconds since 1970, as IAM accepts; always aware, in UTC."""
    try:
        if re.fullmatch(r"\d+(\.\d+)?", text):
            return datetime.fromtimestamp(float(text), UTC)
        moment = datetime.fromisoformat(text)
    except (ValueError, OverflowError) as error:
        raise PolicyError(f"{text!r} is not a date") from error
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _boolean(text: str) -> str:
    if text.lower() not in ("true", "false"):
        raise PolicyError(f"{text!r} is not a boolean")
    return text.lower()


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError as error:
        raise PolicyError(f"{text!r} is not an address range") from error


def _inside(
    have: ipaddress.IPv4Network | ipaddress.IPv6Network,
    wanted: ipaddress.IPv4Network | ipaddress.IPv6Network,
) -> bool:
    return have.network_address in wanted


def _text_operator(wildcards: Wildcards, flags: re.RegexFlag = re.NOFLAG) -> Operator:
    return Operator(partial(_by_expression, wildcards=wildcards, flags=flags))


def _value_operator(
    read: Callable[[str], object], test: Callable[[Any, Any], bool], *, negated: bool = False
) -> Operator:
    return Operator(partial(_by_value, read=read, test=test), negated, check=read)


def _not(plain: Operator) -> Operator:
    return Operator(plain.compare, negated=True, check=plain.check)


_EQUALS = _text_operator(Wildcards.LITERAL)
_EQUALS_IGNORE_CASE = _text_operator(Wildcards.LITERAL, re.IGNORECASE)
_LIKE = _text_operator(Wildcards.EXPANDED)
_ARN = Operator(_as_arn)
_ADDRESS = _value_operator(_network, _inside)

_COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "Equals": operator.eq,
    "LessThan": operator.lt,
    "LessThanEquals": operator.le,
    "GreaterThan": operator.gt,
    "GreaterThanEquals": operator.ge,
}

OPERATORS: Mapping[str, Operator] = {
    "StringEquals": _EQUALS,
    "StringNotEquals": _not(_EQUALS),
    "StringEqualsIgnoreCase": _EQUALS_IGNORE_CASE,
    "StringNotEqualsIgnoreCase": _not(_EQUALS_IGNORE_CASE),
    "StringLike": _LIKE,
    "StringNotLike": _not(_LIKE),
    "ArnEquals": _ARN,
    "ArnNotEquals": _not(_ARN),
    "ArnLike": _ARN,
    "ArnNotLike": _not(_ARN),
    "Bool": _value_operator(_boolean, operator.eq),
    "IpAddress": _ADDRESS,
    "NotIpAddress": _not(_ADDRESS),
    "NumericNotEquals": _value_operator(_number, operator.eq, negated=True),
    "DateNotEquals": _value_operator(_instant, operator.eq, negated=True),
    **{f"Numeric{name}": _value_operator(_number, test) for name, test in _COMPARISONS.items()},
    **{f"Date{name}": _value_operator(_instant, test) for name, test in _COMPARISONS.items()},
}
"""The operators of IAM, apart from BinaryEquals, which no condition key of ours has."""
