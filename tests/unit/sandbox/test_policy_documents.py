"""Policy documents: every mistake is an error, and AWS's own policies are none."""

import json
from typing import Any

import pytest
from moto.iam.aws_managed_policies import aws_managed_policies_data

from broker.sandbox.policy.evaluation import PolicyDocument, PolicyError, PolicyKind

GOOD = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
TRUST = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": "*"}}


def document(*statements: Any, **members: Any) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements), **members}


def without(statement: dict[str, Any], *names: str) -> dict[str, Any]:
    return {key: value for key, value in statement.items() if key not in names}


@pytest.mark.parametrize(
    "wrong",
    [
        [],
        "text",
        {},
        document(),
        document(GOOD, Version="2012-10-18"),
        document(GOOD, Statements=[]),
        document("text"),
        document({**GOOD, "Condtion": {}}),
        document({**GOOD, "NotPrincipal": "*"}),
        document({**GOOD, "Principal": "*"}),
        document(without(GOOD, "Effect")),
        document({**GOOD, "Effect": "allow"}),
        document(without(GOOD, "Action")),
        document({**GOOD, "NotAction": "s3:*"}),
        document(without(GOOD, "Resource")),
        document({**GOOD, "NotResource": "*"}),
        document({**GOOD, "Action": []}),
        document({**GOOD, "Action": [1]}),
        document({**GOOD, "Action": "GetObject"}),
        document({**GOOD, "Action": "s3:Get Object"}),
        document({**GOOD, "Resource": "bucket"}),
        document({**GOOD, "Resource": ""}),
        document({**GOOD, "Condition": {"StringEqual": {"a": "b"}}}),
        document({**GOOD, "Sid": 1}),
        document({**GOOD, "Sid": "a"}, {**GOOD, "Sid": "a"}),
    ],
)
def test_malformed_identity_policy(wrong: Any) -> None:
    """Unknown members and wrong values are refused, not skipped."""
    with pytest.raises(PolicyError):
        PolicyDocument.parse(wrong, PolicyKind.IDENTITY)


@pytest.mark.parametrize(
    "wrong",
    [
        without(TRUST, "Principal"),
        {**TRUST, "Principal": {}},
        {**TRUST, "Principal": "arn:aws:iam::111122223333:root"},
        {**TRUST, "Principal": {"Aws": "*"}},
        {**TRUST, "Principal": {"AWS": []}},
        {**TRUST, "Resource": "*"},
        {**without(TRUST, "Principal"), "NotPrincipal": {"AWS": "*"}},
    ],
)
def test_malformed_trust_policy(wrong: Any) -> None:
    """A trust policy names principals, and no resource."""
    with pytest.raises(PolicyError):
        PolicyDocument.parse(document(wrong), PolicyKind.TRUST)


@pytest.mark.parametrize(
    "text",
    ["", "{", '{"Version": "2012-10-17", "Version": "2012-10-17"}', "[" * 100_000],
)
def test_text_that_is_no_policy(text: str) -> None:
    """Broken JSON, a repeated key and a bottomless document are policy errors too."""
    with pytest.raises(PolicyError):
        PolicyDocument.loads(text, PolicyKind.IDENTITY)


def test_single_statement_needs_no_list() -> None:
    """IAM takes one statement without its list."""
    parsed = PolicyDocument.parse({"Statement": GOOD}, PolicyKind.IDENTITY)
    assert len(parsed.statements) == 1


def test_all_managed_policies_of_aws_parse() -> None:
    """The grammar is wide enough for all of AWS's own policies."""
    policies = json.loads(aws_managed_policies_data)
    parsed = [
        PolicyDocument.parse(each["Document"], PolicyKind.IDENTITY) for each in policies.values()
    ]
    assert len(parsed) > 1000
