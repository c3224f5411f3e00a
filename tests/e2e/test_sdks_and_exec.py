"""AWS's own clients get their credentials through `broker configure` and `broker exec`.

Sessions are short here, so every client has to fetch others while it works.
"""

from __future__ import annotations

import re
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from broker.sandbox.process import Sandbox
from tests.e2e.programs import PATIENCE, aws_environment, run
from tests.e2e.talking import Talking, talking
from tests.e2e.world import ENGINEER, FULL, METADATA, World

JAVASCRIPT = ("node", str(Path(__file__).parent / "javascript_sdk" / "callers.mjs"))
BOTO3 = (
    sys.executable,
    "-c",
    "import sys, boto3\n"
    "sts = boto3.client('sts')\n"
    "for line in sys.stdin: print(sts.get_caller_identity()['Arn'], flush=True)",
)
SECONDS = 40
"""A session here: half of it is time enough for a busy machine to use what it was given."""


@pytest.fixture
def short_sessions(world: World) -> Iterator[Sandbox]:
    world.stage.sandbox.shorten_sessions(SECONDS)
    yield world.stage.sandbox
    world.stage.sandbox.shorten_sessions(None)


@pytest.fixture
def ticket(world: World, request: pytest.FixtureRequest) -> str:
    """A ticket of the test's own, so that its sessions can be told from all others."""
    name = re.sub(r"[^A-Za-z0-9]+", "-", request.node.name)[:50]
    return world.ticket(f"T-{name}".rstrip("-"), METADATA, FULL)


def environment(world: World) -> dict[str, str]:
    own = {"BROKER_URL": world.stage.url, "BROKER_TOKEN": world.engineer.api_token}
    # Node, like the SDK, has opinions on versions, which it says on standard error.
    node = {"NODE_NO_WARNINGS": "1", "AWS_REGION": "us-east-1"}
    return {**aws_environment(world.stage.sandbox.url), **own, **node}


def sessions_of(world: World, ticket: str) -> list[dict[str, Any]]:
    listed = world.engineer.ask("GET", "/v1/sessions?limit=200")["items"]
    return [session for session in listed if session["ticket"] == ticket]


def configured(world: World, ticket: str, home: Path, account_id: str = METADATA) -> None:
    """A profile `acme` in the home folder, as an engineer makes it."""
    options = ("--account", account_id, "--ticket", ticket, "--profile-name", "acme", "--yes")
    ran = run("broker", "configure", *options, home=home, environment=environment(world))
    assert ran.status == 0, ran.err


def two_sessions(client: Talking, ticket: str) -> None:
    """The client goes on calling until it does so with another session than at first."""
    seen: list[str] = []
    deadline = time.monotonic() + PATIENCE + 2 * SECONDS
    while len(set(seen)) < 2:
        seen.append(client.answer("call"))
        assert f"/{ENGINEER}@{ticket}-"[:40] in seen[-1], (seen, client.process.poll())
        assert time.monotonic() < deadline, seen
        time.sleep(0.5)


@pytest.mark.usefixtures("short_sessions")
@pytest.mark.parametrize(
    "client",
    [BOTO3, (*JAVASCRIPT, "http"), (*JAVASCRIPT, "container"), (*JAVASCRIPT, "chain")],
    ids=["boto3", "javascript-http", "javascript-container", "javascript-chain"],
)
def test_sdks_renew_their_credentials_through_exec(
    world: World, ticket: str, client: tuple[str, ...], tmp_path: Path
) -> None:
    """One client works on across two sessions, which it fetched where `exec` says."""
    words = ("broker", "exec", "--account", METADATA, "--ticket", ticket, "--", *client)
    with talking(*words, home=tmp_path, environment=environment(world)) as talk:
        two_sessions(talk, ticket)
        assert talk.ended() == (0, "")


@pytest.mark.usefixtures("short_sessions")
@pytest.mark.parametrize(
    "client",
    [BOTO3, (*JAVASCRIPT, "process", "acme"), (*JAVASCRIPT, "ini", "acme")],
    ids=["boto3", "javascript-process", "javascript-ini"],
)
def test_sdks_renew_their_credentials_through_a_configured_profile(
    world: World, ticket: str, client: tuple[str, ...], tmp_path: Path
) -> None:
    """The profile is all they need; `Expiration` makes them ask again."""
    configured(world, ticket, tmp_path)
    profile = {**environment(world), "AWS_PROFILE": "acme"}
    with talking(*client, home=tmp_path, environment=profile) as talk:
        two_sessions(talk, ticket)
        assert talk.ended()[0] == 0


@pytest.mark.usefixtures("short_sessions")
@pytest.mark.parametrize("way", ["exec", "profile"])
def test_the_aws_cli_works_on_past_the_end_of_its_first_session(
    world: World, ticket: str, way: str, tmp_path: Path
) -> None:
    """One command that takes longer than a session lasts: it waits for a bucket."""
    bucket = f"later-by-{way}"
    waiting = ["aws", "s3api", "wait", "bucket-exists", "--bucket", bucket]
    if way == "exec":
        command = ["broker", "exec", "--account", FULL, "--ticket", ticket, "--", *waiting]
    else:
        configured(world, ticket, tmp_path, FULL)
        command = [*waiting, "--profile", "acme"]
    making = threading.Thread(target=_make_later, args=(world, ticket, bucket))
    making.start()
    ran = run(*command, home=tmp_path, environment=environment(world))
    making.join()
    assert (ran.status, ran.out) == (0, ""), ran.err


def _make_later(world: World, ticket: str, bucket: str) -> None:
    """Make the bucket once the first session for the ticket has ended and another one is there."""
    deadline = time.monotonic() + PATIENCE
    while not _has_moved_on(world, ticket) and time.monotonic() < deadline:
        time.sleep(0.5)
    world.administrator("s3", world.full).create_bucket(Bucket=bucket)


def _has_moved_on(world: World, ticket: str) -> bool:
    sessions = sessions_of(world, ticket)
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    return len(sessions) > 1 and min(session["expires_at"] for session in sessions) < now
