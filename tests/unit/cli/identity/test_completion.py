"""What a shell is told to complete `broker` with, and what it offers while nobody is signed in."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner

from broker.cli import broker


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
