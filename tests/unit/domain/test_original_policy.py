"""The management policy beside the original's: what it gave up, what it narrows, what it adds.

The original's list stands on a public page of its vendor; the table in docs/aws-policies.md says
why ours differs, and this holds the table to both.
"""

from __future__ import annotations

import re
from pathlib import Path

from tests.unit.domain.rendered_template import listed, properties, statements

DOCUMENT = Path(__file__).parents[3] / "docs" / "aws-policies.md"

LISTED_ON_EVERYTHING = {
    "iam:ListAttachedRolePolicies",
    "iam:ListEntitiesForPolicy",
    "iam:ListOpenIDConnectProviders",
    "iam:ListPolicies",
    "iam:ListPoliciesGrantingServiceAccess",
    "iam:ListPolicyVersions",
    "iam:ListRolePolicies",
    "iam:ListRoles",
}
"""What the original allows on `*`."""

ON_ITS_OWN = {
    "iam:AttachRolePolicy",
    "iam:CreateOpenIDConnectProvider",
    "iam:CreatePolicy",
    "iam:CreatePolicyVersion",
    "iam:CreateRole",
    "iam:CreateSAMLProvider",
    "iam:DeleteOpenIDConnectProvider",
    "iam:DeletePolicy",
    "iam:DeletePolicyVersion",
    "iam:DeleteRole",
    "iam:DetachRolePolicy",
    "iam:GetOpenIDConnectProvider",
    "iam:GetPolicy",
    "iam:GetPolicyVersion",
    "iam:GetRole",
    "iam:PutRolePolicy",
    "iam:SetDefaultPolicyVersion",
    "iam:UpdateOpenIDConnectProviderThumbprint",
    "iam:UpdateRole",
    "iam:UpdateRoleDescription",
}
"""What it allows on `oidc-provider/*`, `policy/DoiT-*` and `role/DoiT-Support*`."""

NOTHING = "\u2013"
"""The dash in the table's first column."""

ORIGINAL = LISTED_ON_EVERYTHING | ON_ITS_OWN
POLICY = statements(properties()["ManagementPolicy"]["PolicyDocument"])
OURS = {action for statement in POLICY.values() for action in listed(statement["Action"])}


def resources_of(action: str) -> set[str]:
    return {
        resource
        for statement in POLICY.values()
        if action in listed(statement["Action"])
        for resource in listed(statement["Resource"])
    }


def table() -> list[tuple[str, str]]:
    """The first two columns of the comparison's rows."""
    chapter = (
        DOCUMENT.read_text().partition("## Against the original's list")[2].partition("\n## ")[0]
    )
    rows = [line.strip("| ").split(" | ") for line in chapter.splitlines() if line.startswith("|")]
    return [(cells[0], cells[1]) for cells in rows[2:]]


def actions_in(text: str) -> set[str]:
    """The actions that a cell names; only the first of a row carries the prefix."""
    words = re.findall(r"`(?:iam:)?([A-Z][A-Za-z]+)`", text)
    return {f"iam:{word}" for word in words}


def test_the_table_tells_what_was_given_up() -> None:
    """Every action of the original's that ours lacks, and no other."""
    told = {action for was, now in table() if now == "gone" for action in actions_in(was)}
    assert told == ORIGINAL - OURS


def test_the_table_tells_what_was_added() -> None:
    """Every action of ours that the original lacks, and no other."""
    told = {action for was, now in table() if was == NOTHING for action in actions_in(now)}
    assert told == OURS - ORIGINAL


def test_only_names_are_listed_on_everything() -> None:
    """Two of the original's eight, and nothing that it does not allow there."""
    everywhere = {action for action in OURS if "*" in resources_of(action)}
    assert everywhere == {"iam:ListOpenIDConnectProviders", "iam:ListRoles"}
    assert everywhere < LISTED_ON_EVERYTHING


def test_every_resource_is_as_narrow_or_narrower() -> None:
    """Roles under the prefix, providers under the broker's host, and AWS's own policies."""
    account = "arn:aws:iam::111122223333"
    narrow = {
        f"{account}:role/Acme-Support*",
        f"{account}:oidc-provider/broker.example.com/oidc/*",
        "arn:aws:iam::aws:policy/*",
    }
    for action in OURS - {"iam:ListOpenIDConnectProviders", "iam:ListRoles"}:
        assert resources_of(action) <= narrow, action


def test_whatever_changes_a_role_needs_one_of_the_two_boundaries() -> None:
    """Which the original does not ask for at all. IAM knows no such condition for TagRole."""
    for statement in POLICY.values():
        changing = {
            action
            for action in listed(statement["Action"])
            if "Role" in action and not re.match(r"iam:(Get|List|Tag)", action)
        }
        if changing:
            assert statement["Condition"] == {
                "StringEquals": {
                    "iam:PermissionsBoundary": [
                        "arn:aws:iam::aws:policy/ReadOnlyAccess",
                        "arn:aws:iam::aws:policy/AWSSupportAccess",
                    ]
                }
            }
