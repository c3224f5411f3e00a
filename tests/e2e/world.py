"""The world that the end-to-end tests share: a stage, two customers, a ticket, callers."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

import boto3
import httpx
from botocore import UNSIGNED
from botocore.config import Config

from broker.cli.demo.stage import UNHURRIED, Customer, Stage, free_port
from tests.e2e.chains import Entry, read_chain
from tests.e2e.minting import Mint
from tests.e2e.programs import REGION, Ran, aws_environment, run
from tests.e2e.wire import RecordingWire

ENGINEER = "jane@vendor.example"
TICKET = "T-1042"
METADATA, FULL = "111122223333", "222233334444"
OBJECT_KEY, OBJECT_TEXT = "invoices/2024.txt", "what the customer's own users wrote"


@dataclass(frozen=True)
class Person:
    """A caller of the API: an API token, and a client that sends it."""

    api_token: str = field(repr=False)
    http: httpx.Client

    def ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """The answer's body; an answer that is an error fails the test."""
        answer = self.http.request(method, path, json=body)
        assert answer.is_success, answer.text
        return answer.json()


@dataclass(frozen=True)
class Callers:
    """Makes callers of the broker on `stage`; their connections are closed with `stack`."""

    stage: Stage
    stack: ExitStack
    admin: Person

    @classmethod
    def on(cls, stage: Stage, stack: ExitStack) -> Self:
        """The first caller is the admin, whose token comes from the operator's command."""
        secret = stage.api_token("admin", "admin")
        return cls(stage, stack, Person(secret, stack.enter_context(stage.client(secret))))

    def person(self, subject: str, *roles: str, account_ids: Sequence[str] = ()) -> Person:
        """A new caller, whose token the admin makes over the API."""
        body = {
            "subject": subject,
            "roles": list(roles),
            "account_ids": list(account_ids),
            "expires_at": (datetime.now(UTC) + timedelta(days=1)).isoformat(),
        }
        secret = self.admin.ask("POST", "/v1/tokens", body)["secret"]
        return Person(secret, self.stack.enter_context(self.stage.client(secret)))


@dataclass(frozen=True, kw_only=True)
class World:
    """A stage with everybody on it. `metadata` and `full` are shared: leave them as they are."""

    stage: Stage
    wire: RecordingWire
    home: Path
    mint: Mint
    callers: Callers
    console: Person
    engineer: Person
    auditor: Person
    metadata: Customer
    full: Customer
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(300000000001))

    def customer_of(self, account_id: str) -> Person:
        """The customer's own access to the API, bound to the account."""
        return self.callers.person("the-customer", "customer", account_ids=[account_id])

    def onboard(self, **registration: Any) -> Customer:
        """A customer of the test's own, with an account in which it may break things."""
        return self.stage.onboard(self.console.http, str(next(self.numbers)), **registration)

    def ticket(self, ticket_id: str, *account_ids: str, **said: Any) -> str:
        """The id of a ticket as the console tells it: open and anybody's, unless `said`."""
        body = {"account_ids": list(account_ids), "status": "open", **said}
        self.console.ask("PUT", f"/v1/tickets/{ticket_id}", body)
        return ticket_id

    def reconcile(self, account_id: str) -> Mapping[str, Any]:
        """The account after a pass, which must be answered with 202 whatever it found."""
        path = f"/v1/accounts/{account_id}/reconciliation"
        answer = self.console.http.post(path)
        assert answer.status_code == 202, answer.text
        account: Mapping[str, Any] = answer.json()
        return account

    def ledger(self, account_id: str | None = None) -> list[Entry]:
        """A whole chain, read as the auditor; the broker's own where no account is named."""
        return read_chain(self.auditor.http, account_id)

    def session(self, account_id: str, ticket: str = TICKET, **asked: Any) -> Mapping[str, Any]:
        """A session that the engineer opens, with its credentials."""
        body = {"account_id": account_id, "ticket": ticket, **asked}
        opened: Mapping[str, Any] = self.engineer.ask("POST", "/v1/sessions", body)
        return opened

    def broker_get(self, *options: str, **environment: str) -> Ran:
        """The real `broker get`, as the engineer in the shell runs it."""
        own = {"BROKER_URL": self.stage.url, "BROKER_TOKEN": self.engineer.api_token}
        return run("broker", "get", *options, home=self.home, environment={**own, **environment})

    def broker_prove(self, *options: str, **environment: str) -> Ran:
        """The real `broker prove`, as the auditor runs it."""
        own = {"BROKER_URL": self.stage.url, "BROKER_TOKEN": self.auditor.api_token}
        return run("broker", "prove", *options, home=self.home, environment={**own, **environment})

    def aws(self, credentials: Mapping[str, str], *arguments: str) -> Ran:
        """The real AWS CLI, with these variables of credentials."""
        environment = {**aws_environment(self.stage.sandbox.url), **credentials}
        return run("aws", *arguments, home=self.home, environment=environment)

    def client(self, service: str, keys: Mapping[str, str] | None = None) -> Any:
        """A boto3 client with an answer's credentials or a user's keys; unsigned without."""
        given = {
            "aws_access_key_id": (keys or {}).get("access_key_id"),
            "aws_secret_access_key": (keys or {}).get("secret_access_key"),
            "aws_session_token": (keys or {}).get("session_token"),
        }
        return boto3.client(
            service,  # type: ignore[call-overload]
            region_name=REGION,
            endpoint_url=self.stage.sandbox.url,
            config=Config(
                retries={"total_max_attempts": 1},
                **({} if keys else {"signature_version": UNSIGNED}),
            ),
            **given,
        )

    def administrator(self, service: str, customer: Customer) -> Any:
        """A boto3 client with the keys of the customer's own administrator."""
        keys = customer.administrator
        return self.client(
            service,
            {
                "access_key_id": keys.access_key_id,
                "secret_access_key": keys.secret_access_key,
            },
        )


def bucket_of(account_id: str) -> str:
    """The name of the bucket that each of the two shared customers keeps its data in."""
    return f"papers-of-{account_id}"


@contextmanager
def set_up(folder: Path) -> Iterator[World]:
    """The whole world, in `folder`; nothing of it is left at the end."""
    with ExitStack() as stack:
        sandbox_port = free_port()
        wire = stack.enter_context(RecordingWire(to_port=sandbox_port))
        # Tests ask for each pass over an account themselves, and look at what it alone has done.
        settings = {"BROKER_AWS_ENDPOINT_URL": wire.url, "BROKER_SERVE_WORKER": "false"}
        settings |= UNHURRIED
        stage = stack.enter_context(
            Stage(folder / "stage", sandbox_port=sandbox_port, settings=settings)
        )

        home = folder / "home"
        home.mkdir()
        callers = Callers.on(stage, stack)
        console = callers.person("console", "console")
        world = World(
            stage=stage,
            wire=wire,
            home=home,
            mint=Mint.of(stage),
            callers=callers,
            console=console,
            engineer=callers.person(ENGINEER, "engineer"),
            auditor=callers.person("auditor", "auditor"),
            metadata=stage.onboard(console.http, METADATA),
            full=stage.onboard(console.http, FULL, profile="full", payer=True),
        )
        world.ticket(TICKET, METADATA, FULL)
        for customer in (world.metadata, world.full):
            _furnish(world, customer)
        yield world


def _furnish(world: World, customer: Customer) -> None:
    """Give the customer what its sessions will try to read."""
    s3 = world.administrator("s3", customer)
    bucket = bucket_of(customer.account["account_id"])
    s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key=OBJECT_KEY, Body=OBJECT_TEXT.encode())
    secrets = world.administrator("secretsmanager", customer)
    secrets.create_secret(Name="database", SecretString="hunter2")
    ssm = world.administrator("ssm", customer)
    ssm.put_parameter(Name="licence", Value="hunter3", Type="SecureString")
    world.administrator("organizations", customer).create_organization()
