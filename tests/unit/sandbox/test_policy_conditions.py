"""Condition operators: one row for each rule of IAM, with what a missing key means."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.sandbox.policy.conditions import OPERATORS, parse_conditions
from broker.sandbox.policy.patterns import Context, Match, PolicyError, every

YES, NO, UNKNOWN = Match.YES, Match.NO, Match.UNKNOWN


def match(block: dict[str, Any], context: Context) -> Match:
    return every(each.match(context) for each in parse_conditions(block, variables=True))


@pytest.mark.parametrize(
    ("operator", "wanted", "have", "expected"),
    [
        ("StringEquals", "a", "a", YES),
        ("StringEquals", "a", "A", NO),
        ("StringEquals", ["a", "b"], "b", YES),
        ("StringEquals", "a*", "ab", NO),
        ("StringEquals", "a*", "a*", YES),
        ("StringEquals", "a", None, NO),
        ("StringEqualsIfExists", "a", None, YES),
        ("StringEqualsIfExists", "a", "b", NO),
        ("StringNotEquals", ["a", "b"], "b", NO),
        ("StringNotEquals", ["a", "b"], "c", YES),
        ("StringNotEquals", "a", None, YES),
        ("StringEqualsIgnoreCase", "Ab", "aB", YES),
        ("StringNotEqualsIgnoreCase", "Ab", "aB", NO),
        ("StringLike", "a*c?", "abbbcd", YES),
        ("StringLike", "a*c?", "abbbc", NO),
        ("StringLike", "a.c", "abc", NO),
        ("StringLike", "*", "line\nbreak", YES),
        ("StringNotLike", "a*", "abc", NO),
        ("StringNotLike", "a*", None, YES),
        ("ArnLike", "arn:aws:iam::*:role/A*", "arn:aws:iam::1:role/AB", YES),
        ("ArnLike", "arn:aws:*:role/A", "arn:aws:iam::1:role/A", NO),
        ("ArnEquals", "arn:aws:iam::1:role/*", "arn:aws:iam::1:role/x:y/z", YES),
        ("ArnNotLike", "arn:aws:iam::1:role/*", "arn:aws:iam::1:role/x", NO),
        ("Bool", "true", "true", YES),
        ("Bool", True, "True", YES),
        ("Bool", "true", "false", NO),
        ("Bool", "true", "perhaps", UNKNOWN),
        ("Bool", "false", None, NO),
        ("BoolIfExists", "true", None, YES),
        ("Null", "true", None, YES),
        ("Null", "true", "x", NO),
        ("Null", "false", "x", YES),
        ("Null", "false", None, NO),
        ("NumericEquals", "10", "10.0", YES),
        ("NumericNotEquals", 10, "10", NO),
        ("NumericLessThan", "10", "9", YES),
        ("NumericLessThan", "10", "10", NO),
        ("NumericLessThanEquals", "10", "10", YES),
        ("NumericGreaterThan", "10", "11", YES),
        ("NumericGreaterThanEquals", "10", "9", NO),
        ("NumericLessThan", "10", "ten", UNKNOWN),
        ("DateLessThan", "2026-01-02T00:00:00Z", "2026-01-01T23:59:59Z", YES),
        ("DateLessThan", "2026-01-02T00:00:00Z", "2026-01-02T00:00:00Z", NO),
        ("DateLessThan", "2026-01-02T02:00:00+02:00", "2026-01-01T23:59:59Z", YES),
        ("DateGreaterThan", "0", "2026-01-01T00:00:00Z", YES),
        ("DateEquals", "1767225600", "2026-01-01T00:00:00Z", YES),
        ("DateNotEquals", "2026-01-01", "2026-01-01T00:00:00Z", NO),
        ("DateLessThan", "2026-01-02T00:00:00Z", None, NO),
        ("IpAddress", "10.0.0.0/8", "10.1.2.3", YES),
        ("IpAddress", ["10.0.0.0/8", "::1"], "::1", YES),
        ("IpAddress", "10.0.0.0/8", "192.0.2.1", NO),
        ("NotIpAddress", "10.0.0.0/8", "10.1.2.3", NO),
        ("NotIpAddress", "10.0.0.0/8", None, YES),
        ("ForAnyValue:StringEquals", ["a", "b"], ["x", "b"], YES),
        ("ForAnyValue:StringEquals", "a", ["x", "y"], NO),
        ("ForAnyValue:StringEquals", "a", None, NO),
        ("ForAnyValue:StringEquals", "a", [], NO),
        ("ForAnyValue:StringNotEquals", "a", ["a", "b"], YES),
        ("ForAnyValue:StringNotEquals", "a", None, NO),
        ("ForAllValues:StringEquals", ["a", "b"], ["a", "b", "a"], YES),
        ("ForAllValues:StringEquals", ["a", "b"], ["a", "c"], NO),
        ("ForAllValues:StringEquals", "a", None, YES),
        ("ForAllValues:StringEquals", "a", [], YES),
        ("ForAllValues:StringLike", "a*", ["ab", "ac"], YES),
        ("ForAnyValue:StringLikeIfExists", "a", None, YES),
        ("StringEquals", "a", ["a"], YES),
        ("StringEquals", "a", ["a", "b"], UNKNOWN),
    ],
)
def test_operator(
    operator: str, wanted: Any, have: str | list[str] | None, expected: Match
) -> None:
    """The operator says of the request's value what IAM says."""
    context = {} if have is None else {"aws:thing": have}
    assert match({operator: {"aws:Thing": wanted}}, context) is expected


@pytest.mark.parametrize(
    ("wanted", "context", "expected"),
    [
        ("${aws:PrincipalTag/Team}", {"k": "red", "aws:principaltag/team": "red"}, YES),
        ("${aws:PrincipalTag/Team}", {"k": "red", "aws:principaltag/team": "blue"}, NO),
        ("${aws:PrincipalTag/Team}", {"k": "red"}, UNKNOWN),
        ("${aws:PrincipalTag/Team, 'red'}", {"k": "red"}, YES),
        ("${aws:PrincipalTag/Team}-x", {"k": "ab-x", "aws:principaltag/team": "*"}, NO),
        ("${aws:PrincipalTag/Team}", {"k": "a", "aws:principaltag/team": ["a", "b"]}, UNKNOWN),
        ("${*}", {"k": "*"}, YES),
        ("${*}", {"k": "a"}, NO),
    ],
)
def test_policy_variable(wanted: str, context: Context, expected: Match) -> None:
    """A variable stands for its value, letter for letter; without a value nothing is certain."""
    assert match({"StringLike": {"k": wanted}}, context) is expected


def test_variable_inside_an_arn_keeps_its_colon() -> None:
    """An ARN is split at its own colons, not at the one in the variable's name."""
    block = {"ArnLike": {"k": "arn:aws:iam::${aws:PrincipalAccount}:role/*"}}
    context = {"k": "arn:aws:iam::111122223333:role/A", "aws:principalaccount": "111122223333"}
    assert match(block, context) is YES


def test_every_condition_must_hold() -> None:
    """Operators and keys are joined by and; values by or."""
    block = {"StringEquals": {"a": "1", "b": ["2", "3"]}, "Bool": {"c": "true"}}
    assert match(block, {"a": "1", "b": "3", "c": "true"}) is YES
    assert match(block, {"a": "1", "b": "4", "c": "true"}) is NO
    assert match(block, {"a": "1", "b": "3", "c": "false"}) is NO


@pytest.mark.parametrize(
    "block",
    [
        {"StringEqual": {"a": "1"}},
        {"stringequals": {"a": "1"}},
        {"ForSomeValues:StringEquals": {"a": "1"}},
        {"NullIfExists": {"a": "true"}},
        {"Null": {"a": "maybe"}},
        {"Bool": {"a": "yes"}},
        {"NumericEquals": {"a": "ten"}},
        {"DateLessThan": {"a": "soon"}},
        {"IpAddress": {"a": "10.0.0.0/99"}},
        {"StringEquals": {"a": {"b": "c"}}},
        {"StringEquals": {"a": None}},
        {"StringEquals": {"": "a"}},
        {"StringEquals": "a"},
        ["StringEquals"],
    ],
)
def test_what_iam_does_not_know_is_refused(block: Any) -> None:
    """An operator or value that IAM lacks is an error, never ignored."""
    with pytest.raises(PolicyError):
        parse_conditions(block, variables=True)


_PLAIN_AND_NEGATED = [
    (name, name.replace("String", "StringNot").replace("Arn", "ArnNot"))
    for name in OPERATORS
    if name.startswith(("String", "Arn")) and "Not" not in name
]


@given(
    names=st.sampled_from(_PLAIN_AND_NEGATED),
    wanted=st.lists(st.text("ab:*?", max_size=6), min_size=1, max_size=3),
    have=st.text("ab:*?", min_size=1, max_size=6),
)
def test_negated_form_is_the_opposite(names: tuple[str, str], wanted: list[str], have: str) -> None:
    """For a key that is present, an operator and its Not form never agree."""
    plain, negated = (match({name: {"k": wanted}}, {"k": have}) for name in names)
    assert plain is negated.negated()


@given(wanted=st.text("ab", max_size=4), have=st.lists(st.text("ab", max_size=4), max_size=4))
def test_set_operators_agree_with_python(wanted: str, have: list[str]) -> None:
    """ForAnyValue is any(), ForAllValues is all(), also for no values at all."""
    context = {"k": have}
    any_match = match({"ForAnyValue:StringEquals": {"k": wanted}}, context)
    all_match = match({"ForAllValues:StringEquals": {"k": wanted}}, context)
    assert any_match is Match.of(any(value == wanted for value in have))
    assert all_match is Match.of(all(value == wanted for value in have))
