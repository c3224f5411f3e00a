"""How far policies reach: doubt counts against the principal, whatever form a statement has."""

from __future__ import annotations

import fnmatch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.domain.proofs.action_catalogue import AccessLevel
from broker.domain.proofs.policy_reach import (
    Extent,
    UnreadablePolicyError,
    covers,
    reach,
    statements_of,
)
from tests.unit.domain.catalogues import CATALOGUE, LEVELS, allow, deny, policy

ALL = frozenset(LEVELS)
S3 = frozenset(action for action in LEVELS if action.startswith("s3:"))
CONDITION = {"StringEquals": {"aws:PrincipalTag/Session": "s-1"}}


def reached(*statements, boundary=None):
    """What a role with one policy of these statements may do."""
    cap = None if boundary is None else statements_of("boundary", policy(*boundary))
    return reach(statements_of("policy", policy(*statements)), cap, CATALOGUE)


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("*", ALL),
        ("*:*", ALL),
        ("s3:*", S3),
        ("S3:GETOBJECT", {"s3:GetObject"}),
        ("s3:GetObject*", {"s3:GetObject", "s3:GetObjectAcl"}),
        ("s3:?etObject", {"s3:GetObject"}),
        ("s3:*Object", {"s3:GetObject", "s3:PutObject"}),
        ("s3:*Object*", {"s3:GetObject", "s3:GetObjectAcl", "s3:PutObject"}),
        ("s3*:GetObject", {"s3:GetObject", "s3-outposts:GetObject"}),
        ("s3:GetObject.", set()),
        ("s3:GetObjec", set()),
        ("s3", set()),
        ("", set()),
    ],
)
def test_a_pattern_names_actions(pattern, expected):
    """Wildcards in any place, no heed of letter case, and never more than what fits as a whole."""
    assert CATALOGUE.named(pattern) == expected
    assert reached(allow(pattern)).actions == expected


@given(st.from_regex(r"[sS3]{1,2}[*]?:[GgPutO*?bject]{0,8}[*]?", fullmatch=True))
def test_patterns_are_what_they_are_everywhere(pattern):
    """The short cuts for simple patterns name what a plain matcher of wildcards names."""
    service, _, name = pattern.lower().partition(":")
    expected = {
        action
        for action in LEVELS
        if fnmatch.fnmatchcase(action.lower().split(":")[0], service)
        and fnmatch.fnmatchcase(action.lower().split(":")[1], name)
    }
    assert CATALOGUE.named(pattern) == expected


@pytest.mark.parametrize(
    ("action", "level"),
    [
        ("s3:GetObject", AccessLevel.READ),
        ("S3:getobject", AccessLevel.READ),
        ("s3:GetNothing", AccessLevel.UNKNOWN),
        ("nothing:GetObject", AccessLevel.UNKNOWN),
    ],
)
def test_the_level_of_an_action(action, level):
    """What the catalogue does not have is unknown, not a read."""
    assert CATALOGUE.level(action) is level


def test_an_allow_counts_however_it_is_limited():
    """Somewhere, under some condition, it may be done: that is enough."""
    narrow = allow("s3:PutObject", Resource="arn:aws:s3:::one/*", Condition=CONDITION)
    assert reached(narrow).actions == {"s3:PutObject"}
    all_but = {"Effect": "Allow", "Action": "s3:PutObject", "NotResource": "arn:aws:s3:::one/*"}
    assert reached(all_but).actions == {"s3:PutObject"}


@pytest.mark.parametrize(
    "limited",
    [
        deny("s3:*", Condition=CONDITION),
        deny("s3:*", Resource="arn:aws:s3:::one/*"),
        {"Effect": "Deny", "Action": "s3:*", "NotResource": "arn:aws:s3:::one/*"},
        {"Effect": "Deny", "Action": "s3:*", "NotResource": "*"},
    ],
)
def test_a_deny_counts_only_as_a_whole(limited):
    """Under a condition or on some resources it leaves cases in which the action goes."""
    assert reached(allow("s3:*"), limited).actions == S3
    assert statements_of("policy", policy(limited))[0].extent is Extent.PARTIAL


@pytest.mark.parametrize(
    "whole",
    [
        deny("s3:GetObject*"),
        deny("s3:GetObject*", Condition={}),
        deny("s3:getobject", "s3:GETOBJECTACL", Resource=["arn:aws:s3:::one/*", "*"]),
    ],
)
def test_a_whole_deny_denies(whole):
    """Unconditional and on everything, whatever allows it and wherever it stands."""
    expected = S3 - {"s3:GetObject", "s3:GetObjectAcl"}
    assert reached(allow("s3:*"), whole).actions == expected
    assert reached(allow("s3:*"), boundary=[allow("*"), whole]).actions == expected


def test_not_action():
    """All but the named: as an Allow it opens the rest, as a Deny it leaves only the named."""
    all_but_s3 = {"Effect": "Allow", "NotAction": "s3:*", "Resource": "*"}
    assert reached(all_but_s3).actions == ALL - S3
    only_s3 = {"Effect": "Deny", "NotAction": ["s3:*"], "Resource": "*"}
    assert reached(allow("*"), only_s3).actions == S3


def test_the_boundary_caps():
    """Only what both allow; a boundary by itself allows nothing, and without one nothing caps."""
    assert reached(allow("s3:*"), boundary=[allow("s3:Get*", "ec2:*")]).actions == {
        "s3:GetObject",
        "s3:GetObjectAcl",
    }
    assert reached(boundary=[allow("*")]).actions == frozenset()
    assert reached(allow("s3:*"), boundary=[]).actions == frozenset()
    assert reached(allow("*")).actions == ALL


@pytest.mark.parametrize(
    ("boundary", "expected"),
    [
        (None, {"gone:Describe*", "s3:GetNothing"}),
        ([allow("*")], {"gone:Describe*", "s3:GetNothing"}),
        ([allow("gone:DescribeThis")], {"gone:DescribeThis"}),
        ([allow("gone:*Those")], {"gone:Describe*", "gone:*Those"}),
        ([allow("gone:List*", "s3:*")], {"s3:GetNothing"}),
        ([allow("s3:Get?othing")], {"s3:GetNothing"}),
        ([{"Effect": "Allow", "NotAction": "gone:*", "Resource": "*"}], {"s3:GetNothing"}),
        (
            [{"Effect": "Allow", "NotAction": "gone:DescribeThis", "Resource": "*"}],
            {"gone:Describe*", "s3:GetNothing"},
        ),
    ],
)
def test_what_the_catalogue_does_not_know_is_told(boundary, expected):
    """Names and patterns that mean nothing count wherever both sides may allow them.

    Of two of which one is the narrower, only that one is allowed by both.
    """
    assert reached(allow("gone:Describe*", "s3:GetNothing"), boundary=boundary).unknown == expected


@pytest.mark.parametrize(
    ("denied", "left"),
    [
        (deny("gone:*"), set()),
        (deny("*"), set()),
        (deny("GONE:describe*"), set()),
        (deny("gone:DescribeThis"), {"gone:Describe*"}),
        (deny("gone:Describe?"), {"gone:Describe*"}),
        (deny("gone:*", Condition=CONDITION), {"gone:Describe*"}),
        ({"Effect": "Deny", "NotAction": "s3:*", "Resource": "*"}, set()),
        ({"Effect": "Deny", "NotAction": "gone:Desc*", "Resource": "*"}, {"gone:Describe*"}),
    ],
)
def test_the_unknown_is_denied_only_for_sure(denied, left):
    """A Deny takes an unknown pattern away only if it speaks of all that it may stand for."""
    assert reached(allow("gone:Describe*"), denied).unknown == left


@pytest.mark.parametrize(
    ("pattern", "other", "expected"),
    [
        ("s3:*", "s3:Get*", True),
        ("s3:Get?", "s3:Get*", False),
        ("s3:Get?", "s3:Get?", True),
        ("s3:Get*", "s3:*", False),
        ("arn:aws:s3:::a*", "arn:aws:s3:::a/b", True),
        ("a.b", "aXb", False),
    ],
)
def test_covers(pattern, other, expected):
    """A pattern covers another only if it stands for everything that the other stands for."""
    assert covers(pattern, other) is expected


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"Statement": "Allow"},
        {"Statement": [["Allow"]]},
        policy({"Effect": "Allow", "Action": "*"}),
        policy({"Effect": "Allow", "Resource": "*"}),
        policy({"Effect": "Maybe", "Action": "*", "Resource": "*"}),
        policy({"Action": "*", "Resource": "*"}),
        policy(allow("*", NotAction="s3:*")),
        policy(allow("*", NotResource="*")),
        policy(allow("*", Action=[1])),
        policy(allow("*", Action=None)),
        policy(allow("*", Actions="*")),
    ],
)
def test_what_is_no_policy_is_not_guessed(document):
    """A document that IAM would not take is unreadable, not empty."""
    with pytest.raises(UnreadablePolicyError, match=r"^policy "):
        statements_of("policy", document)


def test_one_statement_may_stand_alone():
    """IAM takes a statement without a list around it, and strings in place of lists."""
    alone = {"Statement": {"Effect": "Allow", "Action": "s3:PutObject", "Resource": "*"}}
    assert reach(statements_of("policy", alone), None, CATALOGUE).actions == {"s3:PutObject"}


PATTERNS = st.one_of(
    st.sampled_from([*LEVELS, "*", "s3:*", "*:Get*", "ec2:*", "s3:?et*", "gone:*", "gone:GetIt"]),
    st.from_regex(r"(s3|ec2|support):[A-Za-z*?]{1,6}", fullmatch=True),
)
STATEMENTS = st.builds(
    lambda effect, naming, actions, resource, condition: {
        "Effect": effect,
        naming: actions,
        **resource,
        **condition,
    },
    st.sampled_from(["Allow", "Deny"]),
    st.sampled_from(["Action", "NotAction"]),
    st.lists(PATTERNS, min_size=1, max_size=4),
    st.sampled_from([{"Resource": "*"}, {"Resource": "arn:x"}, {"NotResource": "arn:x"}]),
    st.sampled_from([{}, {"Condition": CONDITION}]),
)
LAYERS = st.lists(STATEMENTS, max_size=4)
DENIALS = STATEMENTS.map(lambda statement: {**statement, "Effect": "Deny"})


@given(LAYERS, LAYERS, DENIALS)
def test_a_deny_never_adds(identity, boundary, denied):
    """Whatever is denied, and on whichever side: nothing becomes effective by it."""
    before = reached(*identity, boundary=boundary)
    for after in (
        reached(*identity, denied, boundary=boundary),
        reached(*identity, boundary=[*boundary, denied]),
    ):
        assert after.actions <= before.actions
        assert after.unknown <= before.unknown


@given(LAYERS, LAYERS)
def test_what_is_effective_lies_within_the_boundary(identity, boundary):
    """However wide the identity policies are, and no wider than they are either."""
    capped = reached(*identity, boundary=boundary)
    assert capped.actions <= reached(*boundary).actions
    assert capped.actions <= reached(*identity).actions


@given(LAYERS, LAYERS, STATEMENTS.map(lambda statement: {**statement, "Effect": "Allow"}))
def test_an_allow_never_takes_away(identity, boundary, allowed):
    """More permission is never reported as less."""
    before = reached(*identity, boundary=boundary)
    assert before.actions <= reached(*identity, allowed, boundary=boundary).actions
    assert before.actions <= reached(*identity, boundary=[*boundary, allowed]).actions
