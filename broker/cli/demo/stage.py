"""A whole little world on loopback: the sandbox, a broker in front of it, and its callers.

The demo plays on it, the end-to-end tests and the benchmarks use it. Everything it does it does
from outside: with the `broker` command, over HTTP, and with AWS credentials of its customers.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

import httpx

from broker.cli.demo.people import sign_in_settings
from broker.domain.hooks.sns import TopicArn
from broker.domain.onboarding import own_policy
from broker.sandbox.lending import LendingTransport
from broker.sandbox.process import Keys, Sandbox

VENDOR_ACCOUNT = "999900001111"
NAME_PREFIX = "Acme"
HOOK_TOPIC = TopicArn.parse(f"arn:aws:sns:us-east-1:{VENDOR_ACCOUNT}:broker-hooks")
UNHURRIED = {
    f"BROKER_LIMIT_{name}": "1000000/60"
    for name in (
        "SESSIONS_PER_ENGINEER",
        "SESSIONS_PER_ACCOUNT",
        "SESSIONS_PER_CALLER",
        "SESSIONS_OVERALL",
        "REQUESTS_PER_CALLER",
        "REFUSALS_PER_CALLER",
        "FAILED_SIGN_INS_PER_ADDRESS",
        "FAILED_SIGN_INS_OVERALL",
    )
}
"""Settings without limits to speak of: tests and benchmarks ask for a day's work in a minute."""

PATIENCE = 90.0
"""Seconds that a broker may take to answer for the first time."""


class StackNews(StrEnum):
    """How the broker learns that a customer has made the stack."""

    BY_HOOK = "hook"
    """CloudFormation tells it through SNS, as in production."""

    BY_REQUEST = "request"
    """The console asks for a reconciliation; for tests that want no hook beside them."""


class SignIn(StrEnum):
    """How callers show who they are."""

    BY_API_TOKEN = "api_token"  # noqa: S105 - a way, not a token
    """With API tokens only, unless the settings name a provider."""

    AT_THE_SANDBOX = "sandbox"
    """With API tokens, and people at the sandbox's OpenID provider."""


class StageError(Exception):
    """The stage could not be set."""


@dataclass(frozen=True, slots=True)
class Customer:
    """An onboarded account: the broker's record of it, and its own administrator's keys."""

    account: Mapping[str, Any]
    administrator: Keys = field(repr=False)


class Stage:
    """The sandbox and one broker. A context manager that stops whatever it started."""

    def __init__(
        self,
        folder: Path,
        *,
        port: int = 0,
        sandbox_port: int = 0,
        settings: Mapping[str, str] | None = None,
        stack_news: StackNews = StackNews.BY_REQUEST,
        sign_in: SignIn = SignIn.BY_API_TOKEN,
    ) -> None:
        """`folder` holds the store and the log; `settings` override those of the stage."""
        self.folder = folder
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = folder / "broker.log"
        self._sandbox_port = sandbox_port
        self._overrides = dict(settings or {})
        self._stack_news = stack_news
        self._sign_in = sign_in
        self._broker: subprocess.Popen[bytes] | None = None
        self._leash: subprocess.Popen[bytes] | None = None
        self._sandbox: Sandbox | None = None
        self.environment: dict[str, str] = {}

    @property
    def sandbox(self) -> Sandbox:
        """The running sandbox."""
        if self._sandbox is None:
            raise StageError("The stage has not been entered.")
        return self._sandbox

    def __enter__(self) -> Self:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._sandbox = Sandbox.start(port=self._sandbox_port)
        try:
            topics = [HOOK_TOPIC] if self._stack_news is StackNews.BY_HOOK else []
            policy = own_policy(partition="aws", name_prefix=NAME_PREFIX, topics=topics)
            vendor = self._sandbox.create_account(VENDOR_ACCOUNT, policy)
            self.environment = self._environment(vendor)
            self.start_broker()
            if self._stack_news is StackNews.BY_HOOK:
                self._sandbox.subscribe(HOOK_TOPIC, f"{self.url}/hooks/sns")
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _environment(self, vendor: Keys) -> dict[str, str]:
        inherited = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("BROKER_", "AWS_"))
        }
        return {
            **inherited,
            **vendor.environment(),
            "BROKER_AWS_ENDPOINT_URL": self.sandbox.url,
            "BROKER_ISSUER_URL": self.url,
            "BROKER_BIND": f"127.0.0.1:{self.port}",
            "BROKER_VENDOR_ACCOUNT_ID": VENDOR_ACCOUNT,
            "BROKER_NAME_PREFIX": NAME_PREFIX,
            "BROKER_STORE_URL": f"embedded:{self.folder / 'store'}",
            **(self._hook_settings() if self._stack_news is StackNews.BY_HOOK else {}),
            **(self._sign_in_settings() if self._sign_in is SignIn.AT_THE_SANDBOX else {}),
            **self._overrides,
        }

    def settings(self) -> Mapping[str, str]:
        """What the broker runs with, its AWS credentials included: those of a sandbox."""
        return {
            name: value
            for name, value in self.environment.items()
            if name.startswith(("BROKER_", "AWS_"))
        }

    def _hook_settings(self) -> dict[str, str]:
        anchors = self.folder / "sns-ca.pem"
        anchors.write_text(self.sandbox.trust_anchors())
        return {
            "BROKER_HOOK_TOPICS": HOOK_TOPIC,
            "BROKER_SNS_TRUST_ANCHORS": str(anchors),
        }

    def _sign_in_settings(self) -> dict[str, str]:
        return sign_in_settings(self.sandbox, broker_url=self.url, folder=self.folder)

    def start_broker(self) -> None:
        """Start the broker under gunicorn and wait until it is ready."""
        with self.log.open("ab") as log:
            self._broker = subprocess.Popen(  # noqa: S603 - our own command, no outside input
                [str(command("broker")), "serve"],
                env=self.environment,
                stdout=log,
                stderr=log,
                # Ctrl-C is for the stage, which then stops the broker in order.
                start_new_session=True,
            )
        self._leash = _leash(self._broker.pid)
        deadline = time.monotonic() + PATIENCE
        # One client for all attempts: making one lasts as long as the pause between two.
        with httpx.Client(trust_env=False) as client:
            while not self._is_ready(client):
                if self._broker.poll() is not None or time.monotonic() > deadline:
                    raise StageError(f"The broker does not become ready; see {self.log}.")
                time.sleep(0.05)

    def _is_ready(self, client: httpx.Client) -> bool:
        try:
            return client.get(f"{self.url}/readyz").is_success
        except httpx.TransportError:
            return False

    def wait_for_broker(self) -> None:
        """Return when the broker has ended by itself, which it never should."""
        if self._broker is not None:
            self._broker.wait()

    def stop_broker(self) -> None:
        """Stop the broker gracefully, or by force where it does not stop."""
        if self._broker is not None:
            self._broker.terminate()
            try:
                self._broker.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                os.killpg(self._broker.pid, signal.SIGKILL)
            self._forget_broker()

    def kill_broker(self) -> None:
        """Kill every process of the broker at once, as a power cut would."""
        if self._broker is not None:
            os.killpg(self._broker.pid, signal.SIGKILL)
            self._forget_broker()

    def _forget_broker(self) -> None:
        """Collect what has ended, and take the leash off first: its number may be used anew."""
        if self._leash is not None:
            self._leash.kill()
            self._leash.communicate()
            self._leash = None
        if self._broker is not None:
            self._broker.wait(PATIENCE)
            self._broker = None

    def stop(self) -> None:
        """Stop the broker, then the sandbox."""
        try:
            self.stop_broker()
        finally:
            if self._sandbox is not None:
                self._sandbox.stop()
                self._sandbox = None

    def api_token(self, subject: str, *roles: str, accounts: tuple[str, ...] = ()) -> str:
        """A new API token, made by the operator's command."""
        options = [option for role in roles for option in ("--role", role)]
        options += [option for account in accounts for option in ("--account", account)]
        made = subprocess.run(  # noqa: S603 - our own command, no outside input
            [str(command("broker")), "tokens", "create", "--subject", subject, "--json", *options],
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if made.returncode != 0:
            raise StageError(made.stderr.strip())
        return str(json.loads(made.stdout)["secret"])

    def client(self, api_token: str) -> httpx.Client:
        """An HTTP client of the broker with this token; any number of threads may share it."""
        return httpx.Client(
            base_url=self.url,
            headers={"Authorization": f"Bearer {api_token}"},
            timeout=60,
            transport=LendingTransport(),
            trust_env=False,
        )

    def onboard(self, console: httpx.Client, account_id: str, **registration: Any) -> Customer:
        """Register an account, create its stack as the customer would, and see it active."""
        body = {"account_id": account_id, "customer": f"Customer {account_id}", **registration}
        registered = console.post("/v1/accounts", json=body).raise_for_status().json()
        administrator = self.sandbox.create_account(account_id)
        self.create_stack(registered)
        path = f"/v1/accounts/{account_id}"
        if self._stack_news is StackNews.BY_REQUEST:
            console.post(f"{path}/reconciliation").raise_for_status()
        account = console.get(path).raise_for_status().json()
        if account["state"] != "active":
            raise StageError(f"{account_id} is {account['state']}: {account['last_error']}")
        return Customer(account, administrator)

    def create_stack(self, account: Mapping[str, Any]) -> None:
        """What a click on the account's launch link does in the customer's console."""
        template = httpx.get(f"{self.url}/onboarding/template.yaml", trust_env=False)
        # The console keeps its whole state behind the fragment, parameters included.
        link = parse_qsl(urlsplit(account["launch_url"]).fragment.partition("?")[2])
        parameters = {
            name.removeprefix("param_"): value for name, value in link if name.startswith("param_")
        }
        self.sandbox.deploy(account["account_id"], template.text, parameters)


def _leash(pid: int) -> subprocess.Popen[bytes]:
    """A process that ends `pid` when this one ends, however that comes about.

    Only this process holds the other end of its standard input, and the kernel closes that.
    """
    return subprocess.Popen(  # noqa: S603 - fixed words and a number
        ["/bin/sh", "-c", 'read _; kill "$1"', "leash", str(pid)],
        stdin=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def command(name: str) -> Path:
    """A console script of the environment that runs this."""
    return Path(sys.executable).with_name(name)


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
