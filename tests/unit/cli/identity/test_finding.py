"""Whom a command asks, and as whom: flag, environment, profile, sign-in, in this order."""

from __future__ import annotations

from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from broker.cli import broker
from broker.cli.asking import Target, calls_the_broker

PROFILES = """\
default_profile = "acme"
[profiles.acme]
url = "https://acme.example"
account = "111122223333"
ticket = "T-1"
access = "case"
duration = 1800
[profiles.other]
url = "https://other.example"
"""


@click.group()
def program() -> None:
    """Stands for the command as a whole."""


def asked(name: str) -> click.Command:
    """A command with the usual options, which says what it found."""

    @program.command(name=name)
    @click.option("--account")
    @click.option("--ticket")
    @click.option("--duration", type=int)
    @calls_the_broker
    def command(
        *, target: Target, account: object, ticket: object, duration: object, as_json: bool
    ) -> None:
        del as_json
        found = [target.url, target.profile, target.source.value, target.bearer.text()]
        click.echo(" ".join(map(str, [*found, account, ticket, duration])))

    return command


GET, LISTING = asked("get"), asked("listing")


@pytest.fixture
def profiles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two of them."""
    file = tmp_path / "config.toml"
    file.write_text(PROFILES)
    monkeypatch.setenv("BROKER_CONFIG", str(file))


def ran(*arguments: str, **environment: str) -> Result:
    """The command, with this in its environment."""
    return CliRunner().invoke(program, list(arguments), env=dict(environment))


def found(*arguments: str, **environment: str) -> list[str]:
    """URL, profile, source, credential, and the options."""
    result = ran(*arguments, **environment)
    assert result.exit_code == 0, result.output
    return result.stdout.split()


def test_without_a_profile() -> None:
    """What is said is what counts, the option before the environment."""
    env = {"BROKER_URL": "https://env.example/", "BROKER_TOKEN": "of-env"}
    assert found("listing", **env)[:4] == ["https://env.example", "None", "BROKER_TOKEN", "of-env"]
    typed = found("listing", "--url", "https://typed.example", "--token", "typed", **env)
    assert typed[:4] == ["https://typed.example", "None", "--token", "typed"]


@pytest.mark.usefixtures("profiles")
def test_the_default_profile_and_another_one() -> None:
    """By option, by environment, or as the file says."""
    env = {"BROKER_TOKEN": "x"}
    assert found("listing", **env)[:2] == ["https://acme.example", "acme"]
    assert found("listing", "--profile", "other", **env)[:2] == ["https://other.example", "other"]
    named = found("listing", BROKER_PROFILE="other", **env)
    assert named[:2] == ["https://other.example", "other"]
    typed = found("listing", "--profile", "acme", BROKER_PROFILE="other", **env)
    assert typed[:2] == ["https://acme.example", "acme"]
    unknown = ran("listing", "--profile", "third", **env)
    assert unknown.exit_code == 2
    assert "Known: acme, other" in unknown.output


@pytest.mark.usefixtures("profiles")
def test_what_is_usual_fills_in_where_something_is_opened() -> None:
    """And never where something is listed, ended or removed."""
    env = {"BROKER_TOKEN": "x"}
    assert found("get", **env)[-3:] == ["111122223333", "T-1", "1800"]
    assert found("get", "--ticket", "T-2", **env)[-2:] == ["T-2", "1800"]
    assert found("listing", **env)[-3:] == ["None"] * 3


@pytest.mark.usefixtures("profiles")
def test_a_profile_beside_another_broker_in_the_environment() -> None:
    """Which of the two was meant, nobody knows; and the token belongs to one of them."""
    env = {"BROKER_URL": "https://env.example", "BROKER_TOKEN": "of-env"}
    assert found("listing", **env)[0] == "https://env.example"
    both = ran("listing", "--profile", "acme", **env)
    assert both.exit_code == 2
    assert "name different brokers" in both.output
    typed = found("listing", "--profile", "acme", "--url", "https://env.example", **env)
    assert typed[0] == "https://env.example"


def test_nothing_says_whom_or_as_whom() -> None:
    """The ways out are named."""
    nowhere = ran("listing")
    assert nowhere.exit_code == 2
    for way in ("BROKER_URL", "--url", "broker profiles set"):
        assert way in nowhere.output
    nobody = ran("listing", "--url", "https://broker.example")
    assert nobody.exit_code == 2
    for way in ("broker login", "BROKER_TOKEN"):
        assert way in nobody.output


@pytest.mark.parametrize("command", [["whoami"], ["accounts", "list"], ["login"], ["logout"]])
def test_plain_http_to_another_machine_is_refused(command: list[str]) -> None:
    """Before anything is sent there."""
    result = CliRunner().invoke(
        broker, command, env={"BROKER_URL": "http://broker.example", "BROKER_TOKEN": "secret-one"}
    )
    assert result.exit_code == 2
    assert "use https" in result.output
    assert "secret-one" not in result.output


def test_the_keyring_is_on_or_off() -> None:
    """Anything else is no answer."""
    env = {"BROKER_URL": "https://broker.example", "BROKER_KEYRING": "maybe"}
    result = ran("listing", **env)
    assert result.exit_code == 2
    assert "must be on or off" in result.output


def test_a_command_with_a_profile_of_its_own() -> None:
    """`accounts add --profile` is about the account's; the other is `--broker-profile`."""
    said = CliRunner().invoke(broker, ["accounts", "add", "--help"]).output
    assert "--broker-profile" in said
    assert "--profile [metadata|full]" in said
