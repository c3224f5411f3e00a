"""A small stage with its worker at work, engineers with sessions, and a power switch."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from redis import Redis

from broker.cli.demo.stage import UNHURRIED, Stage
from tests.e2e.chains import Entry, check_chain, read_chain
from tests.e2e.programs import aws_environment, run
from tests.e2e.world import Callers, Person

ACCOUNT = "666677778888"
ANN, BOB = "ann@vendor.example", "bob@vendor.example"
A_MINUTE = 60.0
"""Seconds in which closing a ticket ends what was granted for it."""


@dataclass(frozen=True)
class Desk:
    """The stage and its callers; nobody asks the broker for anything that ends a session."""

    stage: Stage
    console: Person
    auditor: Person
    engineers: Mapping[str, Person]

    def ask_for_session(self, ticket: str, engineer: str = ANN) -> Any:
        """The answer, whatever it is."""
        body = {"account_id": ACCOUNT, "ticket": ticket, "reason": "to look"}
        return self.engineers[engineer].http.post("/v1/sessions", json=body)

    def open(self, ticket: str, engineer: str = ANN) -> Mapping[str, Any]:
        """A session whose credentials AWS lets in."""
        answer = self.ask_for_session(ticket, engineer)
        assert answer.status_code == 201, answer.text
        opened: Mapping[str, Any] = answer.json()
        assert self.lets_in(opened)
        return opened

    def lets_in(self, opened: Mapping[str, Any]) -> bool:
        """Whether AWS lets the credentials in, as the AWS CLI finds."""
        given = opened["credentials"]
        ran = run(
            "aws",
            *("ec2", "describe-regions", "--region-names", "us-east-1"),
            home=self.stage.folder,
            environment={
                **aws_environment(self.stage.sandbox.url),
                "AWS_ACCESS_KEY_ID": given["access_key_id"],
                "AWS_SECRET_ACCESS_KEY": given["secret_access_key"],
                "AWS_SESSION_TOKEN": given["session_token"],
            },
        )
        if ran.status != 0:
            assert "UnauthorizedOperation" in ran.err, ran.err
        return ran.status == 0

    def dies(self, opened: Mapping[str, Any]) -> None:
        """Return when AWS refuses the session, and its grant is revoked; in less than a minute."""
        deadline = time.monotonic() + A_MINUTE
        while self.lets_in(opened):
            assert time.monotonic() < deadline, "the session lives for longer than a minute"
        assert self.grant(opened)["state"] == "revoked"

    def grant(self, opened: Mapping[str, Any]) -> Mapping[str, Any]:
        """The grant of a session, as it is now."""
        found: Mapping[str, Any] = self.auditor.ask(
            "GET", f"/v1/grants/{opened['session']['grant_id']}"
        )
        return found

    def chain(self, account_id: str | None = None) -> list[Entry]:
        """A chain, which must verify."""
        entries = read_chain(self.auditor.http, account_id)
        check_chain(entries)
        return entries

    def about(self, ticket: str, action: str) -> list[Entry]:
        """What the broker's own chain says of a ticket."""
        return [
            entry
            for entry in self.chain()
            if entry["action"] == action and entry["ids"].get("ticket") == ticket
        ]

    def why_it_ended(self, opened: Mapping[str, Any]) -> list[tuple[str, str, str | None]]:
        """What the account's chain says of the end of a session and its grant."""
        ids = opened["session"]
        return [
            (entry["action"], entry["outcome"], entry["reason"])
            for entry in self.chain(ACCOUNT)
            if entry["action"] in ("grant.revoked", "session.revoked")
            and ids["grant_id"] == entry["ids"].get("grant")
            and (entry["action"], entry["outcome"]) != ("session.revoked", "done")
        ]

    def cut_the_power(self) -> None:
        """Kill every process of the broker, and of its store, and start the broker again."""
        self.stage.kill_broker()
        socket = self.stage.folder / "store" / "store.sock"
        with Redis(unix_socket_path=str(socket)) as redis:
            process: int = redis.info("server")["process_id"]
        os.kill(process, signal.SIGKILL)
        self.stage.start_broker()


@contextmanager
def a_desk(folder: Path, **settings: str) -> Iterator[Desk]:
    """With one account under standing consent."""
    with ExitStack() as stack:
        # What a broker that is killed leaves in its temporary folder goes with the tests' own.
        wanted = {"TMPDIR": str(folder), **UNHURRIED, **settings}
        stage = stack.enter_context(Stage(folder / "stage", settings=wanted))
        callers = Callers.on(stage, stack)
        console = callers.person("console", "console")
        stage.onboard(console.http, ACCOUNT)
        yield Desk(
            stage=stage,
            console=console,
            auditor=callers.person("auditor", "auditor"),
            engineers={name: callers.person(name, "engineer") for name in (ANN, BOB)},
        )


def awaited(condition: Callable[[], bool]) -> None:
    """Return once it holds, which must be within a minute."""
    deadline = time.monotonic() + A_MINUTE
    while not condition():
        assert time.monotonic() < deadline, "it did not come about within a minute"
        time.sleep(0.02)
