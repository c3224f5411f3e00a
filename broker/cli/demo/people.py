"""The people of the demo, and how the broker hears of them: through an OpenID provider.

The provider is the sandbox's own, in which one click is a sign-in. Everything else is as in
production: two clients, groups, and a file that says which groups have which roles.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from broker.domain.identity.browser_sessions import CALLBACK_PATH
from broker.sandbox.process import Sandbox

NAME = "Acme Support"
WEB_CLIENT, CLI_CLIENT = "broker-pages", "broker-command"

_SCOPE = "openid email groups"
_ROLES_FILE = "roles.toml"

HARBOUR_BANK, ORCHARD_FOODS = "111122223333", "444455556666"
"""Account ids of the two customers."""

ROLES = f"""\
# Which groups of the organisation's OpenID provider have which roles here.

[groups.engineers]
roles = ["engineer"]

[groups.on-call]
roles = ["break_glass"]

[groups.team-leads]
roles = ["approver"]

[groups.auditors]
roles = ["auditor"]

[groups.operators]
roles = ["admin"]

[groups.harbour-bank]
roles = ["customer"]
accounts = ["{HARBOUR_BANK}"]

[groups.orchard-foods]
roles = ["customer"]
accounts = ["{ORCHARD_FOODS}"]
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody who can sign in. The login name is also their name in AWS, as with API tokens."""

    login: str
    name: str
    title: str
    email: str
    groups: tuple[str, ...]

    def described(self) -> Mapping[str, Any]:
        """As the sandbox takes it."""
        return {
            "sub": self.login,
            "name": self.name,
            "title": self.title,
            "email": self.email,
            "groups": list(self.groups),
        }


JANE = Person(
    login="jane",
    name="Jane Doe",
    title="engineer",
    email="jane@acme.example",
    groups=("engineers",),
)
OMAR = Person(
    login="omar",
    name="Omar Haddad",
    title="engineer on call",
    email="omar@acme.example",
    groups=("engineers", "on-call"),
)
ANNA = Person(
    login="anna",
    name="Anna Lind",
    title="team lead",
    email="anna@acme.example",
    groups=("team-leads",),
)
CARL = Person(
    login="carl",
    name="Carl Brandt",
    title="Harbour Bank's security",
    email="carl@harbour.example",
    groups=("harbour-bank",),
)
FLORA = Person(
    login="flora",
    name="Flora Park",
    title="Orchard Foods' security",
    email="flora@orchard.example",
    groups=("orchard-foods",),
)
OLGA = Person(
    login="olga",
    name="Olga Novak",
    title="operator",
    email="olga@acme.example",
    groups=("operators",),
)
ADA = Person(
    login="ada",
    name="Ada Quist",
    title="auditor",
    email="ada@acme.example",
    groups=("auditors",),
)
PEOPLE = (JANE, OMAR, ANNA, CARL, FLORA, OLGA, ADA)


def sign_in_settings(sandbox: Sandbox, *, broker_url: str, folder: Path) -> dict[str, str]:
    """Let them sign in at the sandbox, and what a broker at `broker_url` needs to know of it."""
    client_secret = secrets.token_urlsafe(32)
    web = {
        "client_id": WEB_CLIENT,
        "name": "the broker's web pages",
        "redirect_uris": [broker_url + CALLBACK_PATH],
        "client_secret": client_secret,
    }
    cli = {
        "client_id": CLI_CLIENT,
        "name": "the broker command",
        "redirect_uris": ["http://127.0.0.1/callback"],
    }
    people = [person.described() for person in PEOPLE]
    issuer = sandbox.open_to_people(NAME, people=people, clients=[web, cli])
    roles_file = folder / _ROLES_FILE
    roles_file.write_text(ROLES)
    return {
        "BROKER_OIDC_ISSUER": issuer,
        "BROKER_OIDC_CLIENT_ID": WEB_CLIENT,
        "BROKER_OIDC_CLIENT_SECRET": client_secret,
        "BROKER_OIDC_CLI_CLIENT_ID": CLI_CLIENT,
        "BROKER_OIDC_SCOPE": _SCOPE,
        "BROKER_OIDC_CLI_SCOPE": f"{_SCOPE} offline_access",
        "BROKER_OIDC_SUBJECT_CLAIM": "sub",
        "BROKER_ROLES_FILE": str(roles_file.absolute()),
    }
