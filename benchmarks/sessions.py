"""A session through the HTTP API against a bare boto3 script that does the same two AWS calls.

Both work on the same sandbox, with the same keys of the same accounts, so STS fetches the same
issuers' documents from the broker for either. Ours adds everything else: HTTP, who is calling,
the decision, and the durable writes to ledger and store.

All of that costs a fixed 2.5 to 3 ms beside two calls that the sandbox answers in 6 ms: too much
for the goal at one client, which leaves 1.5 ms for it. Two writes that reach the disk take half of
those, the reads and the HTTP server the rest. None of it grows with the time that AWS takes.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import boto3

from benchmarks.comparison import BenchmarkFailed, Bound, Comparison, Goal, in_turns
from broker.cli.demo.stage import NAME_PREFIX, UNHURRIED, VENDOR_ACCOUNT, Stage

_ACCOUNTS = ("111122223333", "222233334444", "333344445555", "444455556666")
_ENGINEER = "ann@example.com"
_TICKET = "T-1000"
_MANY = 16
_ROOT = Path(__file__).parents[1]

Needs = Mapping[str, Any]
"""What one client of a driver needs; see `benchmarks.session_driver`."""


def run(rounds: int) -> Iterator[Comparison]:
    """The wall time of one client, and the throughput of 16 over four accounts."""
    with tempfile.TemporaryDirectory() as folder, _stage(Path(folder)) as stage:
        accounts = _accounts(stage)
        ours, theirs = _broker_needs(stage), _bare_needs(stage, accounts)
        yield _one_client(stage, ours, theirs, rounds=rounds)
        yield _many_clients(stage, ours, theirs, rounds=rounds)


def _stage(folder: Path) -> Stage:
    return Stage(folder / "stage", settings=UNHURRIED)


def _one_client(
    stage: Stage, ours: Sequence[Needs], theirs: Sequence[Needs], *, rounds: int
) -> Comparison:
    sessions = 50
    with _driver(stage, "broker", ours[:1]) as broker, _driver(stage, "bare", theirs[:1]) as bare:
        return Comparison(
            what="session, 1 client",
            against="bare boto3 script",
            unit="ms",
            rounds=in_turns(
                lambda: broker.seconds_for(sessions) / sessions * 1_000,
                lambda: bare.seconds_for(sessions) / sessions * 1_000,
                rounds=rounds,
            ),
            goal=Goal(Bound.AT_MOST, 1.25),
        )


def _many_clients(
    stage: Stage, ours: Sequence[Needs], theirs: Sequence[Needs], *, rounds: int
) -> Comparison:
    each = 10
    ours, theirs = list(islice(cycle(ours), _MANY)), list(islice(cycle(theirs), _MANY))
    with _driver(stage, "broker", ours) as broker, _driver(stage, "bare", theirs) as bare:
        return Comparison(
            what=f"sessions, {_MANY} clients",
            against="bare boto3 script",
            unit="1/s",
            rounds=in_turns(
                lambda: _MANY * each / broker.seconds_for(each),
                lambda: _MANY * each / bare.seconds_for(each),
                rounds=rounds,
            ),
            goal=Goal(Bound.AT_LEAST, 0.8),
        )


def _accounts(stage: Stage) -> list[Mapping[str, Any]]:
    """Onboarded accounts with a ticket for all of them, as the API shows them."""
    with stage.client(stage.api_token("console", "console")) as console:
        for account_id in _ACCOUNTS:
            stage.onboard(console, account_id)
        ticket = {
            "account_ids": _ACCOUNTS,
            "subject": "The instances do not start any more",
            "status": "open",
            "assignees": [],
        }
        console.put(f"/v1/tickets/{_TICKET}", json=ticket).raise_for_status()
        answers = [console.get(f"/v1/accounts/{account_id}") for account_id in _ACCOUNTS]
        return [answer.raise_for_status().json() for answer in answers]


def _broker_needs(stage: Stage) -> list[Needs]:
    api_token = stage.api_token(_ENGINEER, "engineer")
    request = {
        "ticket": _TICKET,
        "reason": "To see why the instances do not start",
        "access": "read",
        "duration_seconds": 900,
    }
    return [
        {
            "host": stage.url.removeprefix("http://"),
            "api_token": api_token,
            "body": {"account_id": account_id, **request},
        }
        for account_id in _ACCOUNTS
    ]


def _bare_needs(stage: Stage, accounts: Sequence[Mapping[str, Any]]) -> list[Needs]:
    key_ids = _key_ids(stage)
    needs: list[Needs] = []
    for account in accounts:
        (kid,) = [key["kid"] for key in account["keys"] if key["state"] == "active"]
        role = f"role/{NAME_PREFIX}-Support-ReadOnly"
        needs.append(
            {
                "endpoint_url": stage.sandbox.url,
                "key_id": key_ids[kid[:16]],
                "kid": kid,
                "issuer": account["issuer"],
                "account_id": account["account_id"],
                "role_arn": f"arn:aws:iam::{account['account_id']}:{role}",
            }
        )
    return needs


def _key_ids(stage: Stage) -> dict[str, str]:
    """KMS key ids by the last part of their aliases, which is how their kid begins."""
    administrator = stage.sandbox.create_account(VENDOR_ACCOUNT)
    kms = boto3.client(
        "kms",
        region_name="us-east-1",
        endpoint_url=stage.sandbox.url,
        aws_access_key_id=administrator.access_key_id,
        aws_secret_access_key=administrator.secret_access_key,
    )
    pages = kms.get_paginator("list_aliases").paginate()
    aliases = [alias for page in pages for alias in page["Aliases"] if "TargetKeyId" in alias]
    return {alias["AliasName"].rpartition("/")[2]: alias["TargetKeyId"] for alias in aliases}


class _Driver:
    """A running `benchmarks.session_driver`."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def seconds_for(self, sessions: int) -> float:
        """How long it takes until every client has opened so many sessions."""
        self.tell(str(sessions))
        assert self._process.stdout is not None  # noqa: S101 - it is a pipe
        answer = self._process.stdout.readline()
        if not answer:
            raise BenchmarkFailed(f"a driver ended with status {self._process.wait()}")
        return float(answer)

    def tell(self, line: str) -> None:
        """Send a line."""
        assert self._process.stdin is not None  # noqa: S101 - it is a pipe
        print(line, file=self._process.stdin, flush=True)


@contextmanager
def _driver(stage: Stage, side: str, clients: Sequence[Needs]) -> Iterator[_Driver]:
    with subprocess.Popen(
        [sys.executable, "-m", "benchmarks.session_driver"],
        cwd=_ROOT,
        env=stage.environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        driver = _Driver(process)
        driver.tell(json.dumps({"side": side, "clients": clients}))
        yield driver
