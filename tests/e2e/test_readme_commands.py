"""Every command line in the README does what it says, at a stage that is set like the demo's."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from broker.cli.demo.folder import write_environment
from broker.cli.demo.performance import ENVIRONMENT_FILE, OPERATOR_FILE
from broker.cli.demo.stage import SignIn, StackNews, Stage
from broker.cli.demo.world import ACCOUNT_ID, ENGINEER, TICKET, World, populated
from broker.domain.identity.permissions import Role
from tests.e2e.readme_lines import README, Fence, fences, is_a_call

ROOT = Path(__file__).parents[2]
PATIENCE = 300.0
NEWCOMER = "222233334444"
NOBODY = "nobody"

FENCES = fences(README.read_text())

NOT_RUN: Mapping[str, str] = {
    r"make demo\b": "test_demo runs it; these tests play on the same stage",
    r"make test\b": "these are its tests",
}
"""Lines that are looked at only, and why."""

AS: Mapping[str, str] = {
    r"broker (login|whoami|logout)": NOBODY,
    r"broker requests (list --state|approve)": Role.CUSTOMER,
    r"broker (sessions|ledger) ": Role.AUDITOR,
    r"broker (accounts|tickets|revoke) ": Role.ADMIN,
}
"""Who types a line; an engineer types all others."""

AS_OPERATOR = r"broker (doctor|keys|webhooks|tokens create|worker|serve|ledger archive)\b"
"""Lines of the shell with the broker's own settings."""

ENDS_WITH: Mapping[str, tuple[int, str]] = {
    r"aws s3 mb s3://refused": (1, "AccessDenied"),
}
"""Lines that fail as the README says they do: exit code, and what stands in the error."""

INSTEAD: Mapping[str, tuple[str, str]] = {
    r"broker configure ": ("--profile-name", "--yes --profile-name"),
    r"broker get .*--format fish": (r"\| source", "| grep -q '^set -gx AWS_SESSION_TOKEN'"),
}
"""What is typed differently: questions are answered, another shell's part is looked at."""


@dataclass
class Reader:
    """Somebody with the README in front of them, in a folder where the demo runs."""

    world: World
    folder: Path
    ids: dict[str, str] = field(default_factory=dict)

    def placeholders(self) -> Mapping[str, Callable[[], str]]:
        """What the README writes, and what it stands for here."""
        return {
            "https://broker.example.com": lambda: self.world.stage.url,
            "<id>": lambda: str(self.world.account.account["issuer"]).rpartition("/")[2],
            "gr-0123456789abcdef0123": self._grant,
            "s-0123456789abcdef0123": self._session,
        }

    def typed(self, line: str) -> str:
        """The line with real ids in it, each found out once a fence."""
        for pattern, (old, new) in INSTEAD.items():
            if re.match(pattern, line):
                line = re.sub(old, new, line, count=1)
        for word, meaning in self.placeholders().items():
            if word in line and word not in self.ids:
                self.ids[word] = meaning()
        for word, meant in self.ids.items():
            line = line.replace(word, meant)
        return line

    def _grant(self) -> str:
        """The engineer's request that waits: asking for the same again shows that one."""
        (grant,) = self.ask(Role.CUSTOMER, "GET", "/v1/grants?state=requested")["items"]
        return str(grant["id"])

    def _session(self) -> str:
        return str(self.world.open_session().session["id"])

    def ask(self, role: Role, method: str, path: str, body: Any = None) -> Any:
        """What the API answers; it must not be a problem."""
        return self.world.api[role].request(method, path, json=body).raise_for_status().json()

    def before(self, line: str) -> None:
        """What others do before the line is typed."""
        if line.startswith("broker requests create"):
            self.consent("per_grant")
        if line.startswith("broker accounts wait"):
            # The customer follows the link.
            self.world.stage.sandbox.create_account(NEWCOMER)
            self.world.stage.create_stack(self.ask(Role.ADMIN, "GET", f"/v1/accounts/{NEWCOMER}"))

    def consent(self, word: str) -> None:
        """As the customer sets it."""
        self.ask(Role.CUSTOMER, "PATCH", f"/v1/accounts/{ACCOUNT_ID}", {"consent": word})

    def environment(self) -> dict[str, str]:
        """Of a new shell, in which nothing but the machine is set."""
        browser = f"{sys.executable} {ROOT / 'tests/e2e/clicking_browser.py'} {ENGINEER} %s"
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "PYTHONPATH": str(ROOT),
            "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_PAGER": "",
            "DISPLAY": ":0",
            "BROWSER": browser,
        }

    def run(self, line: str, *, state: Path) -> subprocess.CompletedProcess[str]:
        """Type a line into a shell that has seen those before it; they leave `state`."""
        script = f"""
            . {state}
            {_credential(line)}
            {line}
            status=$?
            unset OLDPWD
            export -p > {state}
            exit $status
        """
        return subprocess.run(
            ["bash", "-c", script],
            cwd=self.folder,
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )


def _credential(line: str) -> str:
    """What makes the shell that of whoever types the line."""
    if re.match(AS_OPERATOR, line):
        return ". .demo/operator"
    role = next((who for pattern, who in AS.items() if re.match(pattern, line)), Role.ENGINEER)
    if role == NOBODY:
        return "unset BROKER_TOKEN"
    return f"export BROKER_TOKEN=$BROKER_{role.upper()}_TOKEN"


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    """In a checkout of their own: `.venv` and `.demo` are where the README says."""
    folder = tmp_path_factory.mktemp("checkout")
    (folder / ".venv").symlink_to(Path(sys.prefix))
    stage = Stage(folder / ".demo", stack_news=StackNews.BY_HOOK, sign_in=SignIn.AT_THE_SANDBOX)
    with stage, populated(stage) as world:
        write_environment(stage.folder / ENVIRONMENT_FILE, world.environment())
        write_environment(stage.folder / OPERATOR_FILE, stage.settings())
        yield Reader(world, folder)


def _begin(reader: Reader, state: Path) -> None:
    """A new shell in which the README's first block has been read; consent and ticket as then."""
    state.write_text('. .demo/env; export PATH="$PWD/.venv/bin:$PATH"\n')
    reader.ids.clear()
    reader.consent("standing")
    reader.world.write_ticket(TICKET)


@pytest.mark.parametrize("fence", FENCES, ids=str)
def test_what_the_readme_types_works(reader: Reader, fence: Fence, tmp_path: Path) -> None:
    """Line by line, in one shell a block, with what others have to do in between."""
    state = tmp_path / "state"
    _begin(reader, state)
    for line in fence.lines:
        if any(re.match(pattern, line) for pattern in NOT_RUN):
            continue
        reader.before(line)
        typed = reader.typed(line)
        ran = reader.run(typed, state=state)
        status, error = next(
            (end for pattern, end in ENDS_WITH.items() if re.match(pattern, line)), (0, "")
        )
        told = f"{typed}\n{ran.stdout[-2000:]}\n{ran.stderr}\n{reader.world.stage.log}"
        assert ran.returncode == status, told
        assert error in ran.stderr, told


@pytest.mark.parametrize("fence", FENCES, ids=str)
def test_every_line_is_a_call(fence: Fence) -> None:
    """So nothing slips by: what no shell takes stands in a block with a language."""
    assert [line for line in fence.lines if not is_a_call(line)] == []


@pytest.mark.parametrize(
    "pattern", [*NOT_RUN, *AS, *ENDS_WITH, *INSTEAD], ids=lambda pattern: pattern
)
def test_no_line_of_the_tables_is_left_over(pattern: str) -> None:
    """Each says something of a line that stands in the README."""
    assert any(re.match(pattern, line) for fence in FENCES for line in fence.lines)


@pytest.mark.parametrize("target", re.findall(r"^make (\w+)", README.read_text(), re.MULTILINE))
def test_make_has_the_target(target: str) -> None:
    """What the README names can be made."""
    makefile = (ROOT / "Makefile").read_text()
    assert re.search(rf"^{target}:", makefile, re.MULTILINE)


def test_blocks_are_found() -> None:
    """The reader of the README is not blind, and joins lines that go on."""
    assert len(FENCES) >= 10
    text = "## Here\n```\nbroker get \\\n  --json\n```\n```json\n{}\n```\n```\na ── b\n```\n"
    assert fences(text) == [Fence(2, "Here", ("broker get --json",))]
