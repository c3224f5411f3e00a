"""The sandbox as a process of its own, and a small client of its interface.

For tests and the demo; it needs httpx and the standard library only.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

import httpx

from broker.sandbox.lending import LendingTransport


class SandboxError(Exception):
    """The sandbox did not start, or refused a request to its own interface."""


@dataclass(frozen=True)
class Keys:
    """A long-lived access key of an IAM user of the sandbox."""

    account_id: str
    user_arn: str
    access_key_id: str
    secret_access_key: str = field(repr=False)

    def environment(self) -> dict[str, str]:
        """The variables in which SDKs and the AWS CLI expect them."""
        return {
            "AWS_ACCESS_KEY_ID": self.access_key_id,
            "AWS_SECRET_ACCESS_KEY": self.secret_access_key,
        }


@dataclass(frozen=True)
class DeployedStack:
    """A stack that the sandbox has made."""

    stack_id: str
    stack_name: str
    outputs: Mapping[str, str]
    resources: tuple[Mapping[str, Any], ...]
    custom_resources: tuple[Mapping[str, Any], ...]


def _deployed(reply: Mapping[str, Any]) -> DeployedStack:
    return DeployedStack(
        stack_id=reply["stack_id"],
        stack_name=reply["stack_name"],
        outputs=reply["outputs"],
        resources=tuple(reply["resources"]),
        custom_resources=tuple(reply["custom_resources"]),
    )


class Sandbox:
    """A running sandbox; a context manager that stops it at the end."""

    def __init__(self, process: subprocess.Popen[str], url: str) -> None:
        self._process = process
        self.url = url
        # A stack waits for whoever answers its custom resources.
        self._http = httpx.Client(
            base_url=url, timeout=180, trust_env=False, transport=LendingTransport()
        )

    @classmethod
    def start(cls, *, port: int = 0, role_delay_seconds: float = 0) -> Self:
        """Returns once it serves. It ends with this process, even if that is killed."""
        command = [sys.executable, "-m", "broker.sandbox", "--follow-stdin"]
        process = subprocess.Popen(  # noqa: S603  (our own module, no input from outside)
            [*command, "--port", str(port), "--role-delay", str(role_delay_seconds)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None  # noqa: S101  (it is a pipe)
        line = process.stdout.readline()
        if line:
            return cls(process, json.loads(line)["url"])
        _end(process)
        raise SandboxError(f"The sandbox ended with status {process.returncode} before it served")

    def create_account(
        self,
        account_id: str,
        policy: Mapping[str, Any] | None = None,
        *,
        partition: str = "aws",
    ) -> Keys:
        """Keys of the account's administrator, or of a user who may do what `policy` allows."""
        body: dict[str, Any] = {"account_id": account_id, "partition": partition}
        if policy is not None:
            body["policy"] = policy
        return Keys(**self._call("POST", "accounts", body))

    def deploy(
        self,
        account_id: str,
        template: str,
        parameters: Mapping[str, str] | None = None,
        *,
        stack_name: str = "support-access",
    ) -> DeployedStack:
        """Make a CloudFormation stack as the account's administrator."""
        body = {
            "account_id": account_id,
            "template": template,
            "parameters": dict(parameters or {}),
            "stack_name": stack_name,
        }
        return _deployed(self._call("POST", "stacks", body))

    def update(
        self,
        account_id: str,
        template: str,
        parameters: Mapping[str, str] | None = None,
        *,
        stack_name: str = "support-access",
    ) -> DeployedStack:
        """Bring a stack to another template, or to other parameters."""
        body = {"template": template, "parameters": dict(parameters or {})}
        return _deployed(self._call("PUT", f"stacks/{account_id}/{stack_name}", body))

    def subscribe(self, topic_arn: str, endpoint: str, *, deliveries: int = 1) -> None:
        """Make an SNS topic whose messages go to `endpoint`; returns once that has confirmed.

        deliveries: how often each message arrives there, at the same time.
        """
        body = {"arn": topic_arn, "endpoint": endpoint, "deliveries": deliveries}
        self._call("POST", "topics", body)

    def open_to_people(
        self,
        organisation: str,
        *,
        people: Sequence[Mapping[str, Any]],
        clients: Sequence[Mapping[str, Any]],
    ) -> str:
        """Let people sign in, as `broker.sandbox.people` describes both; returns the issuer."""
        body = {"name": organisation, "people": list(people), "clients": list(clients)}
        return str(self._call("PUT", "people", body)["issuer"])

    def trust_anchors(self) -> str:
        """PEM of the root that the certificates of its SNS lead to."""
        return str(self._call("GET", "sns-ca.pem")["pem"])

    def refuse_answers(self, times: int) -> None:
        """Let the next so many answers of custom resources fail, as S3 may."""
        self._call("PUT", "stack-answers", {"refuse": times})

    def delete_stack(self, account_id: str, stack_name: str = "support-access") -> None:
        """Remove what the stack made."""
        self._call("DELETE", f"stacks/{account_id}/{stack_name}")

    def set_clock(self, offset_seconds: float) -> None:
        """Set the sandbox's clock this far ahead of the machine's."""
        self._call("PUT", "clock", {"offset_seconds": offset_seconds})

    def shorten_sessions(self, seconds: float | None) -> None:
        """Let the sessions of web identities last this long at most; None is no bound again."""
        self._call("PUT", "session-length", {"seconds": seconds})

    def delay_policies(self, seconds: float) -> None:
        """Let changes of roles' policies take effect this long after they are made."""
        self._call("PUT", "policy-delay", {"seconds": seconds})

    def stop(self) -> None:
        """Stop the process; doing so twice is harmless."""
        self._http.close()
        _end(self._process)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        response = self._http.request(method, f"/_sandbox/{path}", json=body)
        reply = response.json()
        if response.is_error:
            raise SandboxError(reply["error"])
        return reply


def _end(process: subprocess.Popen[str]) -> None:
    """It stops when its standard input closes; if not, it is killed."""
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            stream.close()
    try:
        process.wait(timeout=10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
