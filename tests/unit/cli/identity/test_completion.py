"""What a shell is told to complete `broker` with, and what it offers while nobody is signed in."""

from __future__ import annotations

import gzip
import http.server
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner

from broker.cli import broker
from broker.cli.identity import completing
from tests.serving import serving


def ran(words: str, **environment: str) -> list[str]:
    """What is offered behind these words."""
    asked = {"_BROKER_COMPLETE": "bash_complete", "COMP_WORDS": words, **environment}
    asked["COMP_CWORD"] = str(len(words.split(" ")) - 1)
    result = CliRunner().invoke(broker, env=asked, prog_name="broker")
    assert result.exit_code == 0, result.output
    assert result.stderr == ""
    return [line.removeprefix("plain,") for line in result.stdout.split()]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_begins_with_where_it_goes(shell: str) -> None:
    """A comment, so that it may stand there as it is."""
    result = CliRunner().invoke(broker, ["completion", shell])
    assert result.exit_code == 0
    first, rest = result.stdout.split("\n", 1)
    assert first.startswith("# ")
    assert f"broker completion {shell}" in first
    assert f"{shell}_complete" in rest


def test_bash_takes_it() -> None:
    """The real one, which then knows how to complete `broker`."""
    script = CliRunner().invoke(broker, ["completion", "bash"]).stdout
    done = subprocess.run(
        ["bash", "--norc", "-c", f"{script}\ncomplete -p broker"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "-F _broker_completion broker" in done.stdout


def test_commands_and_options() -> None:
    """By their beginnings."""
    assert ran("broker log") == ["login", "logout"]
    assert "--device" in ran("broker login --")


def test_profiles_and_what_they_say(tmp_path: Path) -> None:
    """Without asking anybody, and the same value once."""
    file = tmp_path / "config.toml"
    file.write_text(
        "[profiles.acme]\nurl = 'http://127.0.0.1:1'\naccount = '111122223333'\nticket = 'T-1'\n"
        "[profiles.also]\nurl = 'http://127.0.0.1:1'\naccount = '111122223333'\n"
    )
    said = {"BROKER_CONFIG": str(file)}
    assert ran("broker get --profile a", **said) == ["acme", "also"]
    assert ran("broker profiles show ac", **said) == ["acme"]
    assert ran("broker get --account 1", **said) == ["111122223333"]
    assert ran("broker get --profile acme --ticket T", **said) == ["T-1"]
    # A broker that does not answer is nothing that anybody must read while they type.
    assert ran("broker get --account 9", BROKER_TOKEN="x", **said) == []


@pytest.mark.parametrize(
    "environment",
    [
        {"BROKER_URL": "http://broker.example", "BROKER_TOKEN": "x"},
        {"BROKER_URL": "not an address", "BROKER_TOKEN": "x"},
        {"BROKER_URL": "http://127.0.0.1:1", "BROKER_TOKEN": "x"},
        {"BROKER_URL": "http://127.0.0.1:1", "BROKER_TOKEN": "x\ny"},
        {"BROKER_URL": "https://broker.example", "BROKER_KEYRING": "maybe"},
        {"BROKER_PROFILE": "nobody"},
    ],
)
def test_what_is_wrong_offers_nothing(environment: dict[str, str]) -> None:
    """And says nothing: whoever goes on will hear of it from the command."""
    assert ran("broker get --account 1", **environment) == []


def test_a_broken_file_offers_nothing(tmp_path: Path) -> None:
    """The same."""
    file = tmp_path / "config.toml"
    file.write_text("[profiles")
    assert ran("broker get --profile a", BROKER_CONFIG=str(file)) == []
    assert ran("broker get --account 1", BROKER_CONFIG=str(file)) == []


PAGE = (
    b'{"items": [{"id": "T-1", "subject": "", "status": "open", "account_ids": [], '
    b'"assignees": [], "updated_at": "2026-01-02T03:04:05Z"}], "next": null}'
)


@contextmanager
def answering(body: bytes, *, drops: int = 1, **headers: str) -> Iterator[dict[str, str]]:
    """A broker that answers this, in so many drops; gives what names it to the command."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            for name, value in headers.items():
                self.send_header(name.replace("_", "-"), value)
            self.end_headers()
            size = -(-len(body) // drops)
            for at in range(0, len(body), size):
                time.sleep(0.05 if drops > 1 else 0)
                self.wfile.write(body[at : at + size])

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    class Quiet(http.server.ThreadingHTTPServer):
        def handle_error(self, request: object, client_address: object) -> None:
            """Whoever asked has gone."""

    server = Quiet(("127.0.0.1", 0), Handler)
    with serving(server):
        yield {"BROKER_URL": f"http://127.0.0.1:{server.server_port}", "BROKER_TOKEN": "x"}


def test_open_tickets_of_the_broker(monkeypatch: pytest.MonkeyPatch) -> None:
    """As it answers them, however busy this machine is."""
    monkeypatch.setattr(completing, "SECONDS", 60.0)
    monkeypatch.setattr(completing, "ALTOGETHER_SECONDS", 60.0)
    with answering(PAGE) as named:
        assert ran("broker get --ticket T", **named) == ["T-1"]


def test_what_is_packed_is_not_unpacked() -> None:
    """A few kilobytes could become more than there is memory."""
    with answering(gzip.compress(PAGE), Content_Encoding="gzip") as named:
        assert ran("broker get --ticket T", **named) == []


def test_an_endless_answer_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """By its size."""
    monkeypatch.setattr(completing, "LARGEST", len(PAGE) - 1)
    with answering(PAGE) as named:
        assert ran("broker get --ticket T", **named) == []


def test_nobody_waits_for_an_answer_drop_by_drop(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each drop comes in time, and the whole does not: forty of them take two seconds at least."""
    monkeypatch.setattr(completing, "ALTOGETHER_SECONDS", 0.5)
    with answering(PAGE, drops=40) as named:
        assert ran("broker get --ticket T", **named) == []
