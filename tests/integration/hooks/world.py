"""A broker in this process, its topic in the sandbox, and a relay between them that keeps messages.

Everything that the broker is told comes as SNS would send it, and everything that it does it does
in the sandbox. The worker runs only where a test lets it.
"""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import boto3
import httpx
import pytest
from botocore.config import Config
from werkzeug.serving import WSGIRequestHandler, make_server

from broker import settings
from broker.cli.demo.stage import free_port
from broker.domain.accounts import Account, Consent, Payer, Profile
from broker.domain.budget import Budget
from broker.domain.hooks.records import TO_ANSWER_WITHIN, Hook, hook_id_of
from broker.domain.hooks.sns import TopicArn
from broker.domain.identifiers import AccountId
from broker.domain.identity.permissions import Caller, Role
from broker.domain.ledger.entries import BROKER_CHAIN, LedgerAction, LedgerEntry
from broker.domain.onboarding import own_policy, template
from broker.domain.ports import TaskKind
from broker.sandbox.process import DeployedStack, Keys, Sandbox
from broker.services.ambient import utc_now
from broker.services.background.worker import Worker
from broker.services.calls import Call
from broker.services.hooks.work import HookWork
from broker.services.lifecycle.accounts import NewAccount
from broker.web.application import create_app
from broker.web.metrics import Metrics
from broker.wiring import Services, build
from tests.integration.background.workers import working
from tests.serving import serving

VENDOR = "999900001111"
REGION = "us-east-1"
TOPIC = TopicArn.parse(f"arn:aws:sns:{REGION}:{VENDOR}:support-hooks")
STACK = "support-access"
OPERATOR = Call(
    caller=Caller(subject="operator:tests", roles=frozenset({Role.ADMIN})),
    request_id="tests",
    source_address="local",
)


@dataclass
class Relay:
    """Passes what SNS delivers on to the broker. `messages` are the bodies, `seconds` the times."""

    broker_url: str
    url: str = ""
    messages: list[bytes] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    def post(self, body: bytes) -> httpx.Response:
        """Deliver a body to the broker, as whoever has its address can."""
        return httpx.post(
            f"{self.broker_url}/hooks/sns",
            content=body,
            headers={"Content-Type": "text/plain; charset=UTF-8"},
            timeout=30,
            trust_env=False,
        )

    def deliver(self, body: bytes) -> int:
        """Keep a message, pass it on, and say how it was answered."""
        begun = time.monotonic()
        status = self.post(body).status_code
        self.messages.append(body)
        self.statuses.append(status)
        self.seconds.append(time.monotonic() - begun)
        return status


@contextmanager
def relaying(broker_url: str) -> Iterator[Relay]:
    """The relay while it listens."""
    relay = Relay(broker_url)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            status = relay.deliver(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing: tests read our output."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    relay.url = f"http://127.0.0.1:{server.server_port}/"
    with serving(server):
        yield relay


class _Silent(WSGIRequestHandler):
    def log_request(self, *_: object) -> None:
        """Nothing: tests read our output."""


@dataclass(kw_only=True)
class HookWorld:
    """The broker, its topic, and customers to make stacks."""

    sandbox: Sandbox
    services: Services
    metrics: Metrics
    relay: Relay
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(610000000001))

    @property
    def work(self) -> HookWork:
        """The worker's part, which waits for a moment only before it tries again."""
        work = self.services.worker.handlers[TaskKind.HOOK]
        assert isinstance(work, HookWork)
        return replace(work, retry_after=lambda _: timedelta(milliseconds=100))

    def worker(self, **changes: Any) -> Worker:
        """A worker of the broker's; `changes` are to its part for hooks."""
        handlers = {
            **self.services.worker.handlers,
            TaskKind.HOOK: replace(self.work, **changes),
        }
        return replace(self.services.worker, handlers=handlers)

    @contextmanager
    def at_work(self, **changes: Any) -> Iterator[None]:
        """Let a worker work during the block."""
        with working(self.worker(**changes)):
            yield

    def customer(self) -> str:
        """The id of an account that exists at AWS and that nobody has told the broker of."""
        account_id = str(next(self.numbers))
        self.sandbox.create_account(account_id)
        return account_id

    def registered(self, **changes: Any) -> Account:
        """A new account, as the console registers it."""
        new = {
            "customer": "Example Ltd",
            "payer": Payer.NO,
            "profile": Profile.METADATA,
            "consent": Consent.STANDING,
            **changes,
        }
        account_id = AccountId.parse(self.customer())
        return self.services.accounts.register(NewAccount(account_id=account_id, **new), OPERATOR)

    def parameters(self, account: Account) -> dict[str, str]:
        """What the launch link fills in."""
        link = urlsplit(self.services.onboarding.launch_url(account)).fragment.partition("?")[2]
        return {
            name.removeprefix("param_"): value
            for name, value in parse_qsl(link)
            if name.startswith("param_")
        }

    def deploy(self, account: Account, **parameters: str) -> DeployedStack:
        """What the customer's click makes; `parameters` are those that the customer changes."""
        given = {**self.parameters(account), **parameters}
        return self.sandbox.deploy(account.account_id, template(), given, stack_name=STACK)

    def onboarded(self, **changes: Any) -> Account:
        """A new account whose stack stands. A worker must be at work."""
        account = self.registered(**changes)
        self.deploy(account)
        return self.account(account.account_id)

    def account(self, account_id: str) -> Account:
        """The broker's record."""
        stored = self.services.store.accounts.get(AccountId(account_id))
        assert stored is not None
        return stored.record

    def hook(self, request: Mapping[str, Any]) -> Hook | None:
        """The broker's record of one of CloudFormation's requests."""
        hook_id = hook_id_of(stack_id=request["StackId"], request_id=request["RequestId"])
        stored = self.services.store.hooks.get(hook_id)
        return stored.record if stored else None

    def requests_of(self, account_id: str) -> list[Mapping[str, Any]]:
        """What CloudFormation asked for stacks of an account, in order."""
        messages = [json.loads(body) for body in self.relay.messages]
        texts = [each["Message"] for each in messages if each["Type"] == "Notification"]
        requests = [json.loads(text) for text in texts if text.startswith("{")]
        return [each for each in requests if f":{account_id}:" in str(each.get("StackId"))]

    def ledger(self, *, after: int = 0) -> list[LedgerEntry]:
        """The broker's own chain."""
        return list(self.services.store.journal.entries(BROKER_CHAIN, after=after, limit=10_000))

    def ledger_head(self) -> int:
        """How long it is."""
        return self.services.store.journal.head(BROKER_CHAIN).seq

    def give_up(self) -> None:
        """Let the hour of every request pass."""
        late = replace(self.work, clock=lambda: utc_now() + TO_ANSWER_WITHIN)
        for entry in self.ledger():
            if entry.action == LedgerAction.HOOK_RECEIVED:
                late(entry.ids["hook"], OPERATOR)

    def client(self, service: str, keys: Keys) -> Any:
        """A boto3 client with somebody's own keys."""
        return boto3.client(
            service,  # type: ignore[call-overload]
            region_name=REGION,
            endpoint_url=self.sandbox.url,
            aws_access_key_id=keys.access_key_id,
            aws_secret_access_key=keys.secret_access_key,
            config=Config(retries={"total_max_attempts": 1}),
        )

    def iam(self, account_id: str) -> Any:
        """IAM with the keys of the customer's administrator."""
        return self.client("iam", self.sandbox.create_account(account_id))

    def roles(self, account_id: str) -> set[str]:
        """The names of the roles in an account."""
        return {role["RoleName"] for role in self.iam(account_id).list_roles()["Roles"]}

    def providers(self, account_id: str) -> list[str]:
        """The identity providers in an account."""
        listed = self.iam(account_id).list_open_id_connect_providers()
        return [each["Arn"] for each in listed["OpenIDConnectProviderList"]]


@contextmanager
def set_up(folder: Path) -> Iterator[HookWorld]:
    """The whole world; nothing of it is left at the end."""
    with ExitStack() as stack:
        sandbox = stack.enter_context(Sandbox.start())
        anchors = folder / "sns-ca.pem"
        anchors.write_text(sandbox.trust_anchors())
        url = f"http://127.0.0.1:{free_port()}"
        metrics = Metrics()
        services = _patient(_services(sandbox, url, anchors, folder / "store", metrics))
        stack.callback(services.close)
        app = create_app(services, metrics)
        app.start()
        stack.callback(app.stop)
        port = int(url.rpartition(":")[2])
        server = make_server("127.0.0.1", port, app, threaded=True, request_handler=_Silent)
        stack.enter_context(serving(server))
        relay = stack.enter_context(relaying(url))
        sandbox.subscribe(TOPIC, relay.url)
        yield HookWorld(sandbox=sandbox, services=services, metrics=metrics, relay=relay)


def _patient(services: Services) -> Services:
    """The tests together forge more in a minute than the broker writes down."""
    assert services.hook_reception is not None
    reception = replace(services.hook_reception, refusals=Budget(10_000), strangers=Budget(10_000))
    return replace(services, hook_reception=reception)


def _services(sandbox: Sandbox, url: str, anchors: Path, store: Path, metrics: Metrics) -> Services:
    policy = own_policy(partition="aws", name_prefix="Acme", topics=[TOPIC])
    vendor = sandbox.create_account(VENDOR, policy)
    with pytest.MonkeyPatch.context() as environment:
        for name, value in vendor.environment().items():
            environment.setenv(name, value)
        return build(
            settings.load(
                {
                    "BROKER_AWS_ENDPOINT_URL": sandbox.url,
                    "BROKER_ISSUER_URL": url,
                    "BROKER_VENDOR_ACCOUNT_ID": VENDOR,
                    "BROKER_NAME_PREFIX": "Acme",
                    "BROKER_STORE_URL": f"embedded:{store}",
                    "BROKER_HOOK_TOPICS": TOPIC,
                    "BROKER_SNS_TRUST_ANCHORS": str(anchors),
                }
            ),
            metrics,
        )
