"""The sandbox as a process: how it starts, what it tells, and that it ends with its parent."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from broker.sandbox.process import Keys, Sandbox, SandboxError

START = [sys.executable, "-m", "broker.sandbox"]


def test_help_teaches() -> None:
    """It says what it is and what to do first."""
    shown = subprocess.run([*START, "--help"], capture_output=True, text=True, check=True).stdout
    for word in (
        "--port",
        "--ready-file",
        "--role-delay",
        "/_sandbox/accounts",
        "AWS_ENDPOINT_URL",
    ):
        assert word in shown


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT])
def test_ready_file_and_signals(ending: signal.Signals, tmp_path: Path) -> None:
    """The line and the file say the same; a signal ends it with status 0."""
    ready = tmp_path / "ready.json"
    with subprocess.Popen(
        [*START, "--ready-file", str(ready)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        announced = json.loads(process.stdout.readline())
        assert json.loads(ready.read_text()) == announced
        assert announced["pid"] == process.pid
        assert announced["url"].startswith("http://127.0.0.1:")
        health = httpx.get(announced["url"] + "/_sandbox/health", trust_env=False)
        assert health.json()["status"] == "ok"
        process.send_signal(ending)
        assert process.wait(timeout=10) == 0


def test_it_ends_with_standard_input() -> None:
    """So no sandbox outlives a test run that was killed."""
    with subprocess.Popen(
        [*START, "--follow-stdin"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        process.stdout.readline()
        process.stdin.close()
        assert process.wait(timeout=10) == 0


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_while_standard_input_is_open(ending: signal.Signals) -> None:
    """Ctrl-C reaches the sandbox together with what holds its input, and often before that."""
    with subprocess.Popen(
        [*START, "--follow-stdin"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.send_signal(ending)
        assert process.wait(timeout=10) == 0
        assert process.stderr.read() == ""


def test_it_does_not_start_where_moto_is_told_an_account(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An environment that would override the caller's account is an error, said at once."""
    monkeypatch.setenv("MOTO_ACCOUNT_ID", "111122223333")
    with pytest.raises(SandboxError, match="status 1"):
        Sandbox.start()


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "accounts", b"{", 400),
        ("POST", "accounts", b"[]", 400),
        ("POST", "accounts", b"{}", 400),
        ("POST", "accounts", b'{"account_id": 1}', 400),
        ("POST", "accounts", b'{"account_id": "300000000010", "admin": true}', 400),
        ("POST", "accounts", b'{"account_id": "300000000010", "partition": "mars"}', 400),
        ("POST", "accounts", b'{"account_id": "300000000010", "policy": "all"}', 400),
        ("POST", "stacks", b'{"account_id": "300000000010"}', 400),
        (
            "POST",
            "stacks",
            b'{"account_id": "300000000010", "stack_name": "s", "template": "", "parameters": []}',
            400,
        ),
        ("PUT", "clock", b'{"offset_seconds": "1"}', 400),
        ("PUT", "clock", b'{"offset_seconds": true}', 400),
        ("GET", "accounts", b"", 404),
        ("DELETE", "stacks/300000000010/x", b"", 404),
        ("GET", "nothing", b"", 404),
    ],
)
def test_bad_control_request(
    method: str, path: str, body: bytes, status: int, sandbox: Sandbox
) -> None:
    """A sentence that says what is wrong, and never a crash."""
    reply = httpx.request(method, f"{sandbox.url}/_sandbox/{path}", content=body, trust_env=False)
    assert reply.status_code == status
    assert reply.json()["error"]


def test_keys_do_not_print() -> None:
    """A secret access key is in no repr."""
    assert "the-secret" not in repr(Keys("1", "arn", "AKIA", "the-secret"))
