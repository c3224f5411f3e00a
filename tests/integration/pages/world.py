"""The world that the tests of the pages share: a sandbox, a broker, and people who are signed in.

The application is in this process and is asked through WSGI. People did not come by a provider:
their sessions are opened as a sign-in would open them, and from there on all is as for anybody.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, Self

import httpx

from broker.domain.identifiers import EngineerId, SessionId
from broker.domain.identity.browser_sessions import BrowserSecret, Purpose
from broker.domain.identity.identity_claims import Identity
from broker.domain.identity.permissions import Role
from broker.domain.ledger.entries import LedgerEntry
from broker.web.application import create_app
from broker.web.metrics import Metrics
from broker.wiring import Services
from tests.integration.api.world import ACCOUNT, ASKING, OTHER, UNREADY, World, answered
from tests.integration.pages.document import Document

ELSEWHERE = "in another account"
"""What the group of a role is called that holds in another account only."""

PEOPLE: Mapping[str, tuple[str, ...]] = {
    "ann": ("engineer",),
    "gus": ("engineer",),
    "bree": ("engineer", "break_glass"),
    "paul": ("approver",),
    "carl": ("customer",),
    "nora": (f"customer {ELSEWHERE}",),
    "cora": ("console",),
    "otto": ("auditor",),
    "ruth": ("admin",),
    "eve": (f"engineer {ELSEWHERE}",),
    "rita": (f"admin {ELSEWHERE}",),
    "ned": ("nobody",),
}
"""By name: the groups that the provider would have named at the sign-in.

Carl is the customer of all accounts but `OTHER`, which is Nora's.
"""

_TRIES = 100
"""Nothing is opened in the second in which all of an account was ended; then one asks again."""

MINE, NORAS = (ACCOUNT, ASKING, UNREADY), (OTHER,)


def subject(name: str) -> str:
    """How the broker names a person."""
    return f"{name}@people.example"


def role_mapping() -> str:
    """The file that says what those groups may do."""
    groups = []
    for role in Role:
        everywhere = MINE if role is Role.CUSTOMER else ()
        groups.append(_group(role.value, role, everywhere))
        groups.append(_group(f"{role.value} {ELSEWHERE}", role, NORAS))
    return "\n".join(groups)


def _group(name: str, role: Role, accounts: tuple[str, ...]) -> str:
    bound = f"accounts = {list(accounts)}\n" if accounts else ""
    return f'[groups."{name}"]\nroles = ["{role.value}"]\n{bound}'


def sign_in_settings(folder: Path) -> dict[str, str]:
    """Settings of a provider that nobody has to ask."""
    roles = folder / "roles.toml"
    roles.write_text(role_mapping())
    return {
        "BROKER_OIDC_ISSUER": "http://127.0.0.1:9",
        "BROKER_OIDC_CLIENT_ID": "broker-web",
        "BROKER_OIDC_CLIENT_SECRET": "a secret that is never sent",
        "BROKER_ROLES_FILE": str(roles),
        # Who is signed in for one test still is for the last one, however slow the machine.
        "BROKER_SIGN_IN_IDLE_SECONDS": "36000",
    }


@dataclass
class Visitor:
    """Somebody at a browser without scripts; what they fill in is sent as a page of ours sends."""

    http: httpx.Client
    csrf_token: str = field(default="", repr=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()

    def get(self, path: str, **query: Any) -> httpx.Response:
        """The answer at `path`."""
        return self.http.get(path, params=query or None)

    def page(self, path: str, **query: Any) -> Document:
        """The page at `path`, which must be there."""
        return shown(self.get(path, **query))

    def post(self, path: str, **fields: Any) -> httpx.Response:
        """The answer to a form of ours that leads to `path`."""
        return self.without_token(path, csrf_token=self.csrf_token, **fields)

    def without_token(self, path: str, **fields: Any) -> httpx.Response:
        """The answer to a form that somebody else has made."""
        return self.http.post(path, data=fields)

    def done(self, path: str, **fields: Any) -> str:
        """Where a form leads that does what it should."""
        return led_to(self.post(path, **fields))


def shown(answer: httpx.Response, status: int = 200) -> Document:
    """The page of an answer that must be one, protected as every page is."""
    page = Document(answer.text)
    assert answer.status_code == status, page.text
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert answer.headers["Cache-Control"] == "no-store"
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert [text for level, text in page.headings if level == 1 and text] != []
    assert len([level for level, _ in page.headings if level == 1]) == 1, page.headings
    assert page.unlabelled() == []
    identifiers = [given["id"] for _, given in page.tags if "id" in given]
    assert len(identifiers) == len(set(identifiers)), identifiers
    assert not any(name.startswith("on") for _, given in page.tags for name in given)
    assert not any("style" in given or tag == "style" for tag, given in page.tags)
    for form in page.forms:
        assert form.method == "get" or form.fields.get("csrf_token"), form
    return page


def faults(answer: httpx.Response) -> set[str]:
    """The fields that a page names which says what was filled in wrongly."""
    page = shown(answer, 400)
    assert "invalid_request" in page.text
    return set(re.findall("<li><strong>(.+?)</strong>: ", page.html))


def led_to(answer: httpx.Response) -> str:
    """Where an answer leads that must lead on."""
    assert answer.status_code == 303, answer.text
    return str(answer.headers["Location"])


@dataclass(kw_only=True)
class Site:
    """The application, everybody who has signed in, and the API's world beside it."""

    world: World
    services: Services
    transport: httpx.WSGITransport
    _visitors: dict[str, Visitor] = field(default_factory=dict)

    @classmethod
    def of(cls, world: World) -> Self:
        """The pages of the world's broker."""
        app = create_app(world.services, Metrics())
        return cls(world=world, services=world.services, transport=httpx.WSGITransport(app=app))

    def visitor(self, name: str) -> Visitor:
        """One of `PEOPLE`, signed in."""
        if name not in self._visitors:
            self._visitors[name] = self.newly_signed_in(name)
        return self._visitors[name]

    def newly_signed_in(self, name: str) -> Visitor:
        """The same person at another browser."""
        assert self.services.sign_in is not None
        identity = Identity(
            subject=EngineerId.parse(subject(name)),
            groups=PEOPLE[name],
            expires_at=self.services.clock() + timedelta(minutes=10),
        )
        secret: BrowserSecret = self.services.sign_in.browser_sessions.open(identity)
        visitor = self.stranger()
        visitor.http.cookies.set("broker-session", secret.text)
        return Visitor(visitor.http, secret.derived(Purpose.CSRF))

    def stranger(self) -> Visitor:
        """Somebody who has not signed in."""
        client = httpx.Client(transport=self.transport, base_url=self.services.public_url)
        return Visitor(client, "no-token-of-ours")

    def ledger(self, account_id: str | None = None) -> list[LedgerEntry]:
        """The whole of a chain."""
        return self.world.ledger(account_id)

    def asked(self, name: str, ticket: str, account_id: str = ASKING, **members: Any) -> str:
        """The id of a grant that somebody asks for at the pages, for a ticket that is made here."""
        self.world.write_ticket(ticket, account_id)
        fields = {"account_id": account_id, "ticket": ticket, "reason": "To look", **members}
        path = self.visitor(name).done("/requests", **fields)
        return path.removeprefix("/requests/").partition("?")[0]

    def opened(self, name: str, ticket: str, account_id: str = ACCOUNT) -> SessionId:
        """The id of a session that somebody opens for a ticket that is made here."""
        return SessionId.parse(self.credentials(name, ticket, account_id)["session"]["id"])

    def credentials(self, name: str, ticket: str, account_id: str = ACCOUNT) -> Any:
        """The API's answer to somebody who opens a session for a ticket that is made here."""
        self.world.write_ticket(ticket, account_id)
        person = self.visitor(name)
        body = {"account_id": account_id, "ticket": ticket, "reason": "To look"}
        headers = {"X-CSRF-Token": person.csrf_token}
        for _ in range(_TRIES):
            answer = person.http.post("/v1/sessions", json=body, headers=headers)
            if answer.status_code != httpx.codes.CONFLICT:
                break
        return answered(answer, 201)

    def close(self) -> None:
        """Close every client."""
        for visitor in self._visitors.values():
            visitor.http.close()


@contextmanager
def consent(site: Site, choice: str) -> Iterator[None]:
    """Another consent of Nora's for as long as the block lasts; then it is standing again."""
    change = partial(site.visitor("nora").done, f"/accounts/{OTHER}/consent")
    change(consent=choice)
    try:
        yield
    finally:
        change(consent="standing")
