"""Who works at the pages: one person for each role, as the organisation's provider knows them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

HARBOUR, HARBOUR_PAYER, HARBOUR_OLD = "111122223333", "111122224444", "111122225555"
ORCHARD, LUMEN, TIDEWATER = "444455556666", "777788889999", "888899990000"
MILL = "222233334444"
"""The account in which tests change things; pages and pictures show the others."""

_GROUPS: Mapping[str, str] = {
    "jane": "support",
    "omar": "support",
    "finn": "support",
    "ada": "duty-leads",
    "otto": "revision",
    "ruth": "operations",
    "carl": "harbour-bank",
    "nora": "orchard-foods",
    "cleo": "mill-and-company",
}
"""By login name. `finn` and `cleo` are for tests that change things."""

PEOPLE: Mapping[str, Mapping[str, Any]] = {
    login: {"email": f"{login}@{group}.example", "email_verified": True, "groups": [group]}
    for login, group in _GROUPS.items()
}

ROLES = f"""
[groups.support]
roles = ["engineer"]

[groups.duty-leads]
roles = ["approver"]

[groups.revision]
roles = ["auditor"]

[groups.operations]
roles = ["admin"]

[groups.harbour-bank]
roles = ["customer"]
accounts = ["{HARBOUR}", "{HARBOUR_PAYER}", "{HARBOUR_OLD}"]

[groups.orchard-foods]
roles = ["customer"]
accounts = ["{ORCHARD}"]

[groups.mill-and-company]
roles = ["customer"]
accounts = ["{MILL}"]
"""


def subject(login: str) -> str:
    """How the broker names the person."""
    return str(PEOPLE[login]["email"])
