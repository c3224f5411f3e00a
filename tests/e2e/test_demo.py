"""`make demo`: the whole story for real, and nothing left of it afterwards."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from broker.cli.demo.chapters import STORY
from tests.e2e.demo_run import broker_demo, demo_run, short_demo

NAMES = {
    "BROKER_URL",
    "BROKER_TOKEN",
    "BROKER_ADMIN_TOKEN",
    "BROKER_ENGINEER_TOKEN",
    "BROKER_APPROVER_TOKEN",
    "BROKER_BREAK_GLASS_TOKEN",
    "BROKER_CONSOLE_TOKEN",
    "BROKER_CUSTOMER_TOKEN",
    "BROKER_AUDITOR_TOKEN",
    "DEMO_ACCOUNT_ID",
    "DEMO_OTHER_ACCOUNT_ID",
    "DEMO_TICKET",
    "AWS_ENDPOINT_URL",
    "AWS_DEFAULT_REGION",
}

WORTH_SEEING = (
    "Jane Doe, engineer, signs in",
    "somebody who cancels is not signed in",
    "Jane Doe signs in from a shell (broker login --device)",
    "an engineer who is not assigned is refused",
    "a closed ticket is refused",
    "a token of one account is refused at the other",
    "a token pinned to the other role is refused",
    "a token without the ticket tag is refused",
    "listing the buckets works (aws s3 ls)",
    "making a bucket is refused (aws s3 mb)",
    "making a user is refused (aws iam create-user)",
    "reading the customer's data is refused (aws s3 cp)",
    "reading the roles works (aws iam list-roles)",
    "for ec2: listing the buckets is refused (aws s3 ls)",
    "the engineer asks (broker requests create)",
    "the customer approves it (broker requests approve)",
    "the ticket is closed, and the session dies (aws iam)",
    "the broker has seen AWS refuse (broker sessions show)",
    "the customer verifies it (broker ledger verify)",
    "a word changed is caught (broker ledger verify)",
)


def _environment(folder: Path) -> dict[str, str]:
    lines = (folder / "env").read_text().splitlines()
    pairs = (shlex.split(line.removeprefix("export "))[0] for line in lines)
    return dict(pair.split("=", 1) for pair in pairs)


def test_once_plays_the_whole_story_and_stops_everything(tmp_path: Path) -> None:
    """Every step holds, each on a line of its own; the exit status is 0; no process is left."""
    folder = tmp_path / "demo"
    with demo_run(broker_demo(folder, "--once"), folder) as demo:
        status, lines = demo.end()
        assert demo.left_behind() == []
    told = "\n".join(lines)
    assert status == 0, told
    steps = [line for line in lines if re.match(r"[✓✗] +\d", line)]
    assert all(line.startswith("✓") for line in steps)
    assert f"All {len(steps)} steps held" in lines[-1]
    for chapter in STORY:
        assert chapter.title in lines
    for words in WORTH_SEEING:
        assert any(words in line for line in steps), words
    assert "\x1b" not in told  # no colours outside a terminal

    assert folder.stat().st_mode & 0o777 == 0o700
    for name in ("env", "operator"):
        assert (folder / name).stat().st_mode & 0o777 == 0o600
    environment = _environment(folder)
    assert set(environment) == NAMES
    assert all(environment.values())
    assert not any(environment[name] in told for name in NAMES if name.endswith("_TOKEN"))


TAKING_PART = """
set -eu
(. "$FOLDER/operator"; broker doctor > "$FOLDER/checks")
. "$FOLDER/env"
broker get --account "$DEMO_ACCOUNT_ID" --ticket "$DEMO_TICKET" --format env > "$FOLDER/session"
. "$FOLDER/session"
aws sts get-caller-identity --query Arn --output text
"""


HOLDS = """
def steps(world):
    yield Step(title="the broker is ready", expected="yes", got="yes")
"""

DOES_NOT_HOLD = """
def steps(world):
    yield Step(title="the sky", expected="green", got="blue", detail="as ever")
    yield Step(title="the grass", expected="green", got="green")
"""

BREAKS_OFF = """
def steps(world):
    world.open_session("--duration", "39600")
    yield Step(title="never told", expected="", got="")
"""

RAISES = """
def steps(world):
    raise RuntimeError("a mistake in the story")
    yield
"""

NEVER_ENDS = """
import threading
def steps(world):
    yield Step(title="the story stops here", expected="", got="")
    threading.Event().wait()
"""


@pytest.mark.parametrize(
    ("number", "story"), [(signal.SIGINT, None), (signal.SIGTERM, HOLDS)], ids=["INT", "TERM"]
)
def test_it_serves_until_a_signal_comes(
    tmp_path: Path, number: signal.Signals, story: str | None
) -> None:
    """A shell takes part with the two files and nothing else; then everything stops, in order."""
    folder = tmp_path / "demo"
    words = short_demo(folder, story, afterwards="SERVE") if story else broker_demo(folder)
    with demo_run(words, folder) as demo:
        demo.wait_for("Ctrl-C")
        assert re.search(r"http://127\.0\.0\.1:\d+/ and sign in", demo.wait_for("sign in as")[-1])
        assert _takes_part(folder) == "111122223333 Acme-Support-ReadOnly jane@T-1042"
        assert demo.left_behind() != []
        demo.signal(number)
        status, lines = demo.end()
        assert demo.left_behind() == []
    assert status == 0, lines
    assert "Stopping everything." in lines


def _takes_part(folder: Path) -> str:
    """Account, role, engineer and ticket of a session that a shell opens with the env file."""
    own = Path(sys.executable).parent
    ran = subprocess.run(
        ["bash", "-c", TAKING_PART],
        env={"PATH": f"{own}:{os.environ['PATH']}", "FOLDER": str(folder), "HOME": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    arn = re.fullmatch(r"arn:aws:sts::(\d{12}):assumed-role/(\S+)/(\S+)-\w{8}\n", ran.stdout)
    assert arn is not None, ran.stdout
    return " ".join(arn.groups())


def test_a_step_that_does_not_hold_makes_it_fail(tmp_path: Path) -> None:
    """It is told with what was expected and what came, the story goes on, the status is 1."""
    folder = tmp_path / "demo"
    with demo_run(short_demo(folder, DOES_NOT_HOLD), folder) as demo:
        status, lines = demo.end()
        assert demo.left_behind() == []
    assert status == 1
    told = lines.index("A chapter of a test")
    assert re.fullmatch(r"✗  1  the sky +expected green +got blue", lines[told + 1])
    assert lines[told + 2].strip() == "as ever"
    assert lines[told + 3].startswith("✓  2  the grass")
    assert lines[-1] == "1 of 2 steps did not hold: 1."


def test_a_chapter_that_breaks_off_makes_it_fail(tmp_path: Path) -> None:
    """A session that the story needs and does not get is told with the broker's own words."""
    folder = tmp_path / "demo"
    with demo_run(short_demo(folder, BREAKS_OFF), folder) as demo:
        status, lines = demo.end()
        assert demo.left_behind() == []
    assert status == 1
    assert any("[duration_too_long]" in line for line in lines), lines
    assert lines[-1] == "1 of 1 steps did not hold: 1."


def test_a_mistake_in_the_story_leaves_nothing_running(tmp_path: Path) -> None:
    """Even an error that nobody expected."""
    folder = tmp_path / "demo"
    with demo_run(short_demo(folder, RAISES), folder) as demo:
        status, lines = demo.end()
        assert demo.left_behind() == []
    assert status == 1
    assert lines[-1] == "RuntimeError: a mistake in the story"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_a_signal_in_the_middle_leaves_nothing_running(
    tmp_path: Path, number: signal.Signals
) -> None:
    """A killed demo cannot clear up, but the broker and the sandbox notice and end too."""
    folder = tmp_path / "demo"
    with demo_run(short_demo(folder, NEVER_ENDS), folder) as demo:
        demo.wait_for("the story stops here")
        assert demo.left_behind() != []
        demo.signal(number)
        status, _ = demo.end()
        assert status != 0
        demo.await_nothing_left()
