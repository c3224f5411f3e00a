"""A broker with its worker, a sandbox whose IAM can be slow, and whoever takes part."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import boto3
import httpx
from botocore.config import Config
from botocore.exceptions import ClientError

from broker.cli.demo.stage import Stage

T = TypeVar("T")

CALLS = {
    "read": ("ec2", "describe_regions", {}),
    "case": ("support", "describe_severity_levels", {"language": "en"}),
}
"""What each kind of session may call."""

REFUSED = {"UnauthorizedOperation", "AccessDeniedException", "AccessDenied"}

FIRST_ACCOUNT = 500000000001
"""The accounts of these tests are the hundred from here on; the customer is bound to all."""

ENGINEERS = ("ann@vendor.example", "bob@vendor.example", "cy@vendor.example")


@dataclass
class World:
    """The stage and its callers, by the subject of their API tokens."""

    stage: Stage
    callers: Mapping[str, httpx.Client]
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(FIRST_ACCOUNT))
    _tickets: Iterator[int] = field(default_factory=itertools.count)

    def account(self, **registration: Any) -> str:
        """A new account, active."""
        account_id = str(next(self._numbers))
        self.stage.onboard(self.callers["console"], account_id, **registration)
        return account_id

    def ticket(self, *account_ids: str) -> str:
        """A new ticket that is open, for these accounts."""
        ticket_id = f"T-{next(self._tickets)}"
        self.write_ticket(ticket_id, *account_ids)
        return ticket_id

    def write_ticket(self, ticket_id: str, *account_ids: str, status: str = "open") -> None:
        """Tell the broker of a ticket."""
        body = {"account_ids": list(account_ids), "status": status}
        answer = self.callers["console"].put(f"/v1/tickets/{ticket_id}", json=body)
        answer.raise_for_status()

    def ask_for_session(
        self, account_id: str, ticket: str, *, engineer: str = ENGINEERS[0], **asked: Any
    ) -> httpx.Response:
        """Ask for a session, whatever comes of it."""
        body = {"account_id": account_id, "ticket": ticket, "reason": "to look", **asked}
        return self.callers[engineer].post("/v1/sessions", json=body)

    def open(self, account_id: str, ticket: str, **asked: Any) -> dict[str, Any]:
        """A session that was opened, with its credentials."""
        answer = self.ask_for_session(account_id, ticket, **asked)
        assert answer.status_code == 201, answer.text
        opened: dict[str, Any] = answer.json()
        return opened

    def session(self, session_id: str) -> dict[str, Any]:
        """A session as it is now."""
        answer = self.callers["admin"].get(f"/v1/sessions/{session_id}").raise_for_status()
        shown: dict[str, Any] = answer.json()
        return shown

    def revocation(self, session_id: str, state: str) -> dict[str, Any]:
        """How far a session's revocation has come, once it is in this state."""
        return awaited(
            lambda: (
                shown
                if (shown := self.session(session_id)["revocation"] or {}).get("state") == state
                else None
            )
        )

    def lets_in(self, opened: Mapping[str, Any]) -> bool:
        """Whether AWS lets these credentials do what they are for."""
        service, operation, arguments = CALLS[opened["session"]["access"]]
        client = aws_client(self.stage.sandbox.url, service, opened["credentials"])
        try:
            getattr(client, operation)(**arguments)
        except ClientError as e:
            if e.response["Error"]["Code"] not in REFUSED:
                raise
            return False
        return True

    def entries(self, account_id: str | None = None, **wanted: str) -> list[dict[str, Any]]:
        """The entries of a chain that are as `wanted`, in order."""
        query = {"limit": "200", **({} if account_id is None else {"account_id": account_id})}
        found: list[dict[str, Any]] = []
        cursor: str | None = ""
        while cursor is not None:
            page = {**query, **({"cursor": cursor} if cursor else {})}
            answer = self.callers["admin"].get("/v1/ledger", params=page).raise_for_status().json()
            found += answer["items"]
            cursor = answer["next"]
        return [each for each in found if wanted.items() <= each.items()]


def awaited(
    found: Callable[[], T | None],
    *,
    within: float = 120,
    otherwise: Callable[[], str] = lambda: "it did not come about in time",
) -> T:
    """What `found` gives, once it gives something; a failure says what there is `otherwise`."""
    deadline = time.monotonic() + within
    while (seen := found()) is None:
        assert time.monotonic() < deadline, otherwise()
        time.sleep(0.1)
    return seen


def aws_client(url: str, service: str, credentials: Mapping[str, str]) -> Any:
    """A boto3 client of the sandbox with an answer's credentials."""
    return boto3.client(
        service,  # type: ignore[call-overload]
        region_name="us-east-1",
        endpoint_url=url,
        aws_access_key_id=credentials["access_key_id"],
        aws_secret_access_key=credentials["secret_access_key"],
        aws_session_token=credentials["session_token"],
        config=Config(retries={"total_max_attempts": 1}, ignore_configured_endpoint_urls=True),
    )
