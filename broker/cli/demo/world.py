"""Everybody who plays: two customers, seven callers of the API, one ticket."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from broker.cli.demo.people import HARBOUR_BANK, JANE, OMAR, ORCHARD_FOODS
from broker.cli.demo.programs import REGION, Answer, AwsCli, run
from broker.cli.demo.stage import Customer, Stage, StageError
from broker.domain.identity.permissions import Role

ACCOUNT_ID, CUSTOMER = HARBOUR_BANK, "Harbour Bank"
OTHER_ACCOUNT_ID, OTHER_CUSTOMER = ORCHARD_FOODS, "Orchard Foods"
ENGINEER, COLLEAGUE = JANE.login, OMAR.login
TICKET = "T-1042"

CALLERS: Mapping[Role, str] = {
    Role.ADMIN: "demo-admin",
    Role.ENGINEER: ENGINEER,
    Role.APPROVER: "demo-approver",
    Role.BREAK_GLASS: COLLEAGUE,
    Role.CONSOLE: "demo-console",
    Role.CUSTOMER: "demo-customer",
    Role.AUDITOR: "demo-auditor",
}
"""Who holds the API token of each role."""

_TOKENS_LAST = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class OpenedSession:
    """What `broker get` returned: the session, and its credentials as environment variables."""

    session: Mapping[str, Any]
    credentials: Mapping[str, str] = field(repr=False)

    @classmethod
    def parse(cls, text: str) -> OpenedSession:
        """From the output of `broker get --format json`."""
        opened = json.loads(text)
        given = opened["credentials"]
        return cls(
            session=opened["session"],
            credentials={
                "AWS_ACCESS_KEY_ID": given["access_key_id"],
                "AWS_SECRET_ACCESS_KEY": given["secret_access_key"],
                "AWS_SESSION_TOKEN": given["session_token"],
            },
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """The running stage and everybody on it."""

    stage: Stage
    account: Customer
    other: Customer
    tokens: Mapping[Role, str] = field(repr=False)
    api: Mapping[Role, httpx.Client]
    opened: list[OpenedSession] = field(default_factory=list)
    """Every session of the story; the last chapter looks for traces of their credentials."""

    def broker_get(
        self,
        *options: str,
        account_id: str = ACCOUNT_ID,
        ticket: str = TICKET,
        caller: Role = Role.ENGINEER,
    ) -> Answer:
        """The real `broker get`, as the engineer or whoever else is named runs it."""
        words = ["get", "--account", account_id, "--ticket", ticket, "--format", "json"]
        return self.broker(*words, *options, caller=caller)

    def broker(self, *words: str, caller: Role) -> Answer:
        """The real `broker` command, as whoever holds that role's API token runs it."""
        caller_environment = {"BROKER_URL": self.stage.url, "BROKER_TOKEN": self.tokens[caller]}
        return run(["broker", *words], caller_environment)

    def open_session(self, *options: str, ticket: str = TICKET) -> OpenedSession:
        """A session for the ticket. Raises StageError where `broker get` gives none."""
        answer = self.broker_get(*options, ticket=ticket)
        if not answer.succeeded:
            raise StageError(f"`broker get` gave no session: {answer.error.strip()}")
        opened = OpenedSession.parse(answer.output)
        self.opened.append(opened)
        return opened

    def aws(self, credentials: Mapping[str, str]) -> AwsCli:
        """The AWS CLI with these credentials."""
        return AwsCli.of(credentials, endpoint=self.stage.sandbox.url, home=self.stage.folder)

    def write_ticket(self, ticket: str, **changes: Any) -> None:
        """Tell the broker of a ticket for the account; open and for every engineer by default."""
        body = {"account_ids": [ACCOUNT_ID], "status": "open", **changes}
        self.api[Role.CONSOLE].put(f"/v1/tickets/{ticket}", json=body).raise_for_status()

    def ledger(self, reader: Role, *, account_id: str) -> list[dict[str, Any]]:
        """All entries of an account's chain, read through the API."""
        entries: list[dict[str, Any]] = []
        query = {"account_id": account_id, "limit": "200"}
        while True:
            answer = self.api[reader].get("/v1/ledger", params=query).raise_for_status().json()
            entries += answer["items"]
            if answer["next"] is None:
                return entries
            query["cursor"] = answer["next"]

    def environment(self) -> dict[str, str]:
        """What a shell needs to take part."""
        return {
            "BROKER_URL": self.stage.url,
            "BROKER_TOKEN": self.tokens[Role.ENGINEER],
            **{f"BROKER_{role.upper()}_TOKEN": token for role, token in self.tokens.items()},
            "DEMO_ACCOUNT_ID": ACCOUNT_ID,
            "DEMO_OTHER_ACCOUNT_ID": OTHER_ACCOUNT_ID,
            "DEMO_TICKET": TICKET,
            "AWS_ENDPOINT_URL": self.stage.sandbox.url,
            "AWS_DEFAULT_REGION": REGION,
        }


@contextmanager
def populated(stage: Stage) -> Iterator[World]:
    """The world on a stage that is set: accounts onboarded, tokens made, the ticket open."""
    with ExitStack() as clients:
        tokens = _api_tokens(stage)
        api = {role: clients.enter_context(stage.client(tokens[role])) for role in tokens}
        console = api[Role.CONSOLE]
        world = World(
            stage=stage,
            account=stage.onboard(console, ACCOUNT_ID, customer=CUSTOMER),
            other=stage.onboard(console, OTHER_ACCOUNT_ID, customer=OTHER_CUSTOMER),
            tokens=tokens,
            api=api,
        )
        world.write_ticket(TICKET, subject="Invoices are missing since Monday")
        yield world


def _api_tokens(stage: Stage) -> dict[Role, str]:
    """One token a role: the operator makes the first, and with it the others over the API."""
    tokens = {Role.ADMIN: stage.api_token(CALLERS[Role.ADMIN], Role.ADMIN)}
    expires_at = (datetime.now(UTC) + _TOKENS_LAST).isoformat()
    with stage.client(tokens[Role.ADMIN]) as admin:
        for role in (role for role in CALLERS if role not in tokens):
            body = {
                "subject": CALLERS[role],
                "roles": [role],
                "account_ids": [ACCOUNT_ID] if role is Role.CUSTOMER else [],
                "expires_at": expires_at,
            }
            made = admin.post("/v1/tokens", json=body).raise_for_status().json()
            tokens[role] = made["secret"]
    return tokens
