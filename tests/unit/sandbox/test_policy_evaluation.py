"""The evaluation: Deny first, then each layer must allow; doubt counts against the caller."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.sandbox.policy.evaluation import (
    Allowed,
    AuthorizationRequest,
    Decision,
    Denied,
    PolicyDocument,
    PolicyKind,
    Reason,
    evaluate,
)

BUCKET = "arn:aws:s3:::bucket/key"


def policy(*statements: dict[str, Any], version: str = "2012-10-17") -> PolicyDocument:
    document = {"Version": version, "Statement": list(statements)}
    return PolicyDocument.parse(document, PolicyKind.IDENTITY)


def statement(effect: str = "Allow", **members: Any) -> dict[str, Any]:
    members.setdefault("Resource", "*") if "NotResource" not in members else None
    members.setdefault("Action", "*") if "NotAction" not in members else None
    return {"Effect": effect, **members}


def ask(
    document: PolicyDocument,
    action: str = "s3:GetObject",
    resource: str | None = BUCKET,
    **context: str,
) -> Decision:
    return evaluate(AuthorizationRequest(action, resource, context), identity=[document])


ALLOW_ALL = policy(statement())


@pytest.mark.parametrize(
    ("members", "action", "resource", "allowed"),
    [
        ({"Action": "s3:GetObject"}, "s3:GetObject", BUCKET, True),
        ({"Action": "S3:getobject"}, "s3:GetObject", BUCKET, True),
        ({"Action": "s3:Get*"}, "s3:GetObject", BUCKET, True),
        ({"Action": "s3:Get?bject"}, "s3:GetObject", BUCKET, True),
        ({"Action": ["iam:*", "s3:*"]}, "s3:GetObject", BUCKET, True),
        ({"Action": "*:GetObject"}, "s3:GetObject", BUCKET, True),
        ({"Action": "s3:Get"}, "s3:GetObject", BUCKET, False),
        ({"Action": "s3:*"}, "s3express:GetObject", BUCKET, False),
        ({"NotAction": "s3:Put*"}, "s3:GetObject", BUCKET, True),
        ({"NotAction": "s3:*"}, "s3:GetObject", BUCKET, False),
        ({"Resource": "arn:aws:s3:::bucket/*"}, "s3:GetObject", BUCKET, True),
        ({"Resource": "arn:aws:s3:::BUCKET/*"}, "s3:GetObject", BUCKET, False),
        ({"Resource": "arn:aws:s3:::bucket/ke?"}, "s3:GetObject", BUCKET, True),
        ({"Resource": "arn:aws:s3:::bucket"}, "s3:GetObject", BUCKET, False),
        ({"NotResource": "arn:aws:s3:::bucket/*"}, "s3:GetObject", BUCKET, False),
        ({"NotResource": "arn:aws:s3:::other/*"}, "s3:GetObject", BUCKET, True),
        ({"Resource": "arn:aws:s3:::bucket/*"}, "s3:GetObject", None, False),
        ({"Resource": "*"}, "s3:GetObject", None, True),
        ({"NotResource": "arn:aws:s3:::bucket/*"}, "s3:GetObject", None, False),
    ],
)
def test_allow_covers(
    members: dict[str, Any], action: str, resource: str | None, allowed: bool
) -> None:
    """An Allow covers what its elements name, and an unknown resource only by `*`."""
    assert isinstance(ask(policy(statement(**members)), action, resource), Allowed) is allowed


@pytest.mark.parametrize(
    ("members", "resource", "denied"),
    [
        ({"Resource": BUCKET}, BUCKET, True),
        ({"Resource": "arn:aws:s3:::other/*"}, BUCKET, False),
        ({"Resource": "arn:aws:s3:::other/*"}, None, True),
        ({"Resource": "arn:aws:s3:::${aws:username}/*"}, BUCKET, True),
        ({"Condition": {"StringEquals": {"k": "${aws:username}"}}}, BUCKET, True),
        ({"Condition": {"StringEquals": {"absent": "x"}}}, BUCKET, False),
        ({"Action": "iam:*", "Resource": "arn:aws:iam::1:user/x"}, None, False),
    ],
)
def test_deny_covers_whatever_it_may_cover(
    members: dict[str, Any], resource: str | None, denied: bool
) -> None:
    """A Deny applies where the sandbox cannot tell: unknown resource, unresolved variable."""
    document = policy(statement(), statement("Deny", **members))
    expected = Denied(Reason.EXPLICIT_DENY_IDENTITY) if denied else Allowed()
    assert ask(document, resource=resource, k="v") == expected


def test_unresolved_variable_never_allows() -> None:
    """An Allow for the caller's own folder does not cover a caller without a name."""
    document = policy(statement(Resource="arn:aws:s3:::bucket/${aws:username}"))
    assert ask(document) == Denied(Reason.NO_IDENTITY_ALLOW)
    assert ask(document, **{"aws:username": "key"}) == Allowed()


def test_variables_are_plain_text_in_the_old_version() -> None:
    """Version 2008-10-17 knows no policy variables."""
    document = policy(statement(Resource="arn:aws:s3:::${a:b}"), version="2008-10-17")
    assert ask(document, resource="arn:aws:s3:::${a:b}") == Allowed()
    assert ask(document, resource="arn:aws:s3:::x", **{"a:b": "x"}) != Allowed()


@pytest.mark.parametrize(
    ("identity", "boundary", "session", "expected"),
    [
        (["*"], None, None, Allowed()),
        ([], None, None, Denied(Reason.NO_IDENTITY_ALLOW)),
        (["s3:*"], ["s3:*"], ["s3:*"], Allowed()),
        (["*"], ["iam:*"], None, Denied(Reason.NO_BOUNDARY_ALLOW)),
        (["iam:*"], ["*"], None, Denied(Reason.NO_IDENTITY_ALLOW)),
        (["*"], None, ["ec2:*"], Denied(Reason.NO_SESSION_ALLOW)),
        (["*"], ["s3:*"], ["ec2:*"], Denied(Reason.NO_SESSION_ALLOW)),
        (["*"], None, [], Denied(Reason.NO_SESSION_ALLOW)),
        (["*"], ["*", "!s3:*"], None, Denied(Reason.EXPLICIT_DENY_BOUNDARY)),
        (["*"], None, ["*", "!s3:*"], Denied(Reason.EXPLICIT_DENY_SESSION)),
        (["*", "!s3:*"], [], [], Denied(Reason.EXPLICIT_DENY_IDENTITY)),
    ],
)
def test_layers(
    identity: list[str],
    boundary: list[str] | None,
    session: list[str] | None,
    expected: Decision,
) -> None:
    """Each layer that exists must allow, and a Deny in any of them wins (`!` marks a Deny)."""

    def documents(actions: list[str]) -> list[PolicyDocument]:
        statements = [
            statement("Deny" if action.startswith("!") else "Allow", Action=action.lstrip("!"))
            for action in actions
        ]
        return [policy(each) for each in statements]

    limit = None
    if boundary is not None:
        limit = policy(
            *(
                statement("Deny" if action.startswith("!") else "Allow", Action=action.lstrip("!"))
                for action in boundary or ["none:None"]
            )
        )
    decision = evaluate(
        AuthorizationRequest("s3:GetObject", BUCKET, {}),
        identity=documents(identity),
        boundary=limit,
        session=None if session is None else documents(session),
    )
    assert decision == expected


def test_context_keys_have_no_case() -> None:
    """`AWS:principaltag/TICKET` and `aws:PrincipalTag/Ticket` are the same key."""
    condition = {"StringEquals": {"AWS:principaltag/TICKET": "T-1"}}
    assert ask(policy(statement(Condition=condition)), **{"aws:PrincipalTag/Ticket": "T-1"}) == (
        Allowed()
    )


MANAGEMENT = policy(
    statement(
        Action="iam:CreateRole",
        Resource="arn:aws:iam::111122223333:role/Acme-Support*",
        Condition={
            "StringEquals": {
                "iam:PermissionsBoundary": [
                    "arn:aws:iam::aws:policy/ReadOnlyAccess",
                    "arn:aws:iam::aws:policy/AWSSupportAccess",
                ]
            }
        },
    )
)


@pytest.mark.parametrize(
    ("boundary", "role", "allowed"),
    [
        ("arn:aws:iam::aws:policy/ReadOnlyAccess", "Acme-Support-ReadOnly", True),
        ("arn:aws:iam::aws:policy/AWSSupportAccess", "Acme-Support-Cases", True),
        (None, "Acme-Support-ReadOnly", False),
        ("arn:aws:iam::aws:policy/AdministratorAccess", "Acme-Support-ReadOnly", False),
        ("arn:aws:iam::aws:policy/ReadOnlyAccess", "Other-ReadOnly", False),
    ],
)
def test_management_role(boundary: str | None, role: str, allowed: bool) -> None:
    """The promise that nobody can widen it: with either boundary, without one, with another."""
    context = {} if boundary is None else {"iam:PermissionsBoundary": boundary}
    decision = ask(
        MANAGEMENT, "iam:CreateRole", f"arn:aws:iam::111122223333:role/{role}", **context
    )
    assert isinstance(decision, Allowed) is allowed


_ACTIONS = st.sampled_from(["*", "s3:*", "s3:Get*", "iam:*", "ec2:DescribeInstances"])
_STATEMENTS = st.builds(
    lambda effect, action, resource: statement(effect, Action=action, Resource=resource),
    st.sampled_from(["Allow", "Deny"]),
    _ACTIONS,
    st.sampled_from(["*", "arn:aws:s3:::bucket/*", "arn:aws:s3:::other/${aws:username}"]),
)
_DOCUMENTS = st.lists(_STATEMENTS, min_size=1, max_size=4).map(lambda all_: policy(*all_))


@given(document=_DOCUMENTS, limit=_DOCUMENTS, resource=st.sampled_from([BUCKET, None, "*"]))
def test_a_further_layer_never_widens(
    document: PolicyDocument, limit: PolicyDocument, resource: str | None
) -> None:
    """What a boundary or session policy allows beyond the identity policies is not allowed."""
    request = AuthorizationRequest("s3:GetObject", resource, {})
    plain = evaluate(request, identity=[document])
    bounded = evaluate(request, identity=[document], boundary=limit)
    narrowed = evaluate(request, identity=[document], session=[limit])
    if isinstance(plain, Denied):
        assert isinstance(bounded, Denied)
        assert isinstance(narrowed, Denied)


@given(document=_DOCUMENTS, resource=st.sampled_from([BUCKET, None, "*"]))
def test_deny_everything_always_wins(document: PolicyDocument, resource: str | None) -> None:
    """No set of statements outweighs a Deny on everything."""
    request = AuthorizationRequest("s3:GetObject", resource, {})
    decision = evaluate(request, identity=[document, policy(statement("Deny"))])
    assert decision == Denied(Reason.EXPLICIT_DENY_IDENTITY)
