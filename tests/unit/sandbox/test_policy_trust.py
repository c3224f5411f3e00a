"""Trust policies: who is covered by which principal."""

from typing import Any

import pytest

from broker.sandbox.policy.evaluation import (
    Allowed,
    Decision,
    Denied,
    PolicyDocument,
    PolicyKind,
    Reason,
    evaluate_trust,
)

PROVIDER = "arn:aws:iam::111122223333:oidc-provider/issuer.example.test"
USER = "arn:aws:iam::999988887777:user/broker"
ROOT = "arn:aws:iam::999988887777:root"
FEDERATED = {"Federated": PROVIDER}
CALLER = {"AWS": (USER, ROOT)}
WEB, ASSUME = "sts:AssumeRoleWithWebIdentity", "sts:AssumeRole"


def trust(*statements: dict[str, Any]) -> PolicyDocument:
    return PolicyDocument.parse({"Statement": list(statements)}, PolicyKind.TRUST)


def allow(principal: Any, action: str = "sts:*", **members: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Principal": principal, "Action": action, **members}


def deny(principal: Any, action: str = "sts:*") -> dict[str, Any]:
    return {"Effect": "Deny", "Principal": principal, "Action": action}


def ask(document: PolicyDocument, caller: Any, action: str, **context: str) -> Decision:
    return evaluate_trust(document, action=action, principal=caller, context=context)


@pytest.mark.parametrize(
    ("principal", "caller", "covered"),
    [
        ({"Federated": PROVIDER}, FEDERATED, True),
        ({"Federated": [PROVIDER, "other"]}, FEDERATED, True),
        ({"Federated": PROVIDER + "/"}, FEDERATED, False),
        ({"Federated": PROVIDER.upper()}, FEDERATED, False),
        ({"Federated": "*"}, FEDERATED, False),
        ({"AWS": "*"}, FEDERATED, False),
        ("*", FEDERATED, False),
        ({"AWS": PROVIDER}, FEDERATED, False),
        ({"AWS": USER}, CALLER, True),
        ({"AWS": ROOT}, CALLER, True),
        ({"AWS": "999988887777"}, CALLER, True),
        ({"AWS": "111122223333"}, CALLER, False),
        ({"AWS": "arn:aws:iam::111122223333:root"}, CALLER, False),
        ({"AWS": "arn:aws:iam::999988887777:user/*"}, CALLER, False),
        ({"AWS": "*"}, CALLER, True),
        ("*", CALLER, True),
        ({"Federated": USER}, CALLER, False),
        ({"Service": "ec2.amazonaws.com"}, CALLER, False),
        ({"Service": "ec2.amazonaws.com", "AWS": ROOT}, CALLER, True),
    ],
)
def test_principal(principal: Any, caller: Any, covered: bool) -> None:
    """A principal covers exactly those it names; a wildcard for AWS covers no federated one."""
    expected = Allowed() if covered else Denied(Reason.NO_TRUST_ALLOW)
    assert ask(trust(allow(principal)), caller, WEB) == expected


@pytest.mark.parametrize("principal", [{"Federated": PROVIDER}, {"AWS": "*"}, "*"])
def test_deny_before_allow(principal: Any) -> None:
    """A Deny wins over an Allow, and reaches a federated caller wherever it might mean one."""
    document = trust(allow(FEDERATED), deny(principal))
    assert ask(document, FEDERATED, WEB) == Denied(Reason.EXPLICIT_DENY_TRUST)


def test_deny_for_another_is_no_deny() -> None:
    """A Deny that names another principal does not reach this one."""
    document = trust(allow(FEDERATED), deny({"Federated": PROVIDER + "/other"}))
    assert ask(document, FEDERATED, WEB) == Allowed()


def test_each_action_is_asked_by_itself() -> None:
    """Trust for AssumeRoleWithWebIdentity is none for TagSession."""
    document = trust(allow(FEDERATED, WEB))
    assert ask(document, FEDERATED, WEB) == Allowed()
    assert ask(document, FEDERATED, "sts:TagSession") == Denied(Reason.NO_TRUST_ALLOW)


@pytest.mark.parametrize(
    ("external_id", "expected"),
    [
        ("right", Allowed()),
        ("wrong", Denied(Reason.NO_TRUST_ALLOW)),
        (None, Denied(Reason.NO_TRUST_ALLOW)),
    ],
)
def test_external_id(external_id: str | None, expected: Decision) -> None:
    """The confused deputy's remedy: the external id must be there and be right."""
    condition = {"StringEquals": {"sts:ExternalId": "right"}}
    document = trust(allow({"AWS": ROOT}, ASSUME, Condition=condition))
    context = {} if external_id is None else {"sts:ExternalId": external_id}
    assert ask(document, CALLER, ASSUME, **context) == expected
