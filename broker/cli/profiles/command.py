"""`broker profiles`: which brokers there are, and what is usually asked of each."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import click

from broker.cli.answers.rows import print_rows
from broker.cli.failures import EXIT_CODES
from broker.cli.grammar.groups import Group
from broker.cli.grammar.lengths import Length
from broker.cli.grammar.parsed import Parsed
from broker.cli.places import profiles_file
from broker.cli.profiles.file import Profile, chosen, read_profiles
from broker.cli.profiles.offered import complete_profile
from broker.domain.grants import Access
from broker.domain.identifiers import AccountId, TicketId

_KEYS = tuple(Profile.model_fields)


@click.group(cls=Group)
def profiles() -> None:
    """Name brokers, and what you usually ask of them, in one file.

    It holds no secrets: those are in your keyring (`broker login`) or in BROKER_TOKEN. The file is
    BROKER_CONFIG, or config.toml in your folder of settings; `broker profiles list` says where.

    \b
      broker profiles set acme --url https://broker.example.com --account 111122223333 --default
      broker get --profile acme --ticket T-1042
    """


_as_json = click.option("--json", "as_json", is_flag=True, help="Print the answer as JSON.")
_name = click.argument("name", shell_complete=complete_profile)


@profiles.command(name="list", epilog=EXIT_CODES)
@_as_json
def list_profiles(*, as_json: bool) -> None:
    """List all profiles, and the file that they are in.

    \b
      broker profiles list
    """
    file = profiles_file()
    found = read_profiles(file)
    if as_json:
        said = {name: _said(profile) for name, profile in found.profiles.items()}
        click.echo(
            json.dumps(
                {"file": str(file), "default_profile": found.default_profile, "profiles": said},
                indent=2,
            )
        )
        return
    if not found.profiles:
        click.echo(f"There are no profiles in {file} yet. `broker profiles set` makes one.")
        return
    rows = [
        ["*" if name == found.default_profile else "", name, profile.url, _usual(profile)]
        for name, profile in found.profiles.items()
    ]
    print_rows(["", "profile", "broker", "usually"], rows)
    click.echo(f"\nIn {file}.", err=True)


@profiles.command(epilog=EXIT_CODES)
@click.argument("name", required=False, shell_complete=complete_profile)
@_as_json
def show(*, name: str | None, as_json: bool) -> None:
    """Show a profile, or the default one.

    \b
      broker profiles show acme
    """
    file = profiles_file()
    picked = chosen(read_profiles(file), name, file)
    if picked is None:
        raise click.UsageError(f"{file} names no default profile. Say which one to show.")
    if as_json:
        click.echo(json.dumps({"profile": picked[0], **_said(picked[1])}, indent=2))
        return
    rows = {"profile": picked[0], **_said(picked[1])}
    width = max(map(len, rows))
    for key, value in rows.items():
        click.echo(f"{key:<{width}}  {value}")


def _keys_of_a_profile(command: Callable[..., Any]) -> Callable[..., Any]:
    for decorate in (
        click.option("--keyring", type=click.Choice(["on", "off"]), help="Use the keyring or not."),
        click.option("--region", help="The AWS Region that you usually work in."),
        click.option(
            "--duration",
            type=Length(least=900),
            help="How long a session lasts, as 1h, 90m or in seconds.",
        ),
        click.option(
            "--access",
            type=click.Choice([access.value for access in Access]),
            help="What you usually do there: read, or raise support cases.",
        ),
        click.option("--ticket", type=Parsed(TicketId, "ticket"), help="The ticket you work on."),
        click.option("--account", type=Parsed(AccountId, "account"), help="The AWS account."),
        click.option("--url", help="The broker."),
    ):
        command = decorate(command)
    return command


@profiles.command(name="set", epilog=EXIT_CODES)
@_name
@_keys_of_a_profile
@click.option("--unset", multiple=True, type=click.Choice(_KEYS), help="Take a key away.")
@click.option("--default", "as_default", is_flag=True, help="Use it where none is named.")
def set_one(
    *, name: str, unset: tuple[str, ...], as_default: bool, **keys: str | int | None
) -> None:
    """Make a profile, or change what is named of it; everything else in the file stays.

    \b
      broker profiles set acme --url https://broker.example.com --default
      broker profiles set acme --ticket T-1042 --unset region
    """
    from broker.cli.profiles.editing import set_profile  # noqa: PLC0415 - loads tomlkit

    said = {key: value for key, value in keys.items() if value is not None}
    both = sorted(said.keys() & set(unset))
    if both:
        raise click.UsageError(f"--{both[0]} is set and unset at once.")
    file = profiles_file()
    set_profile(file, name, {**said, **dict.fromkeys(unset)}, as_default=as_default)
    click.echo(f"Profile {name} is in {file}.")


@profiles.command(epilog=EXIT_CODES)
@_name
def remove(*, name: str) -> None:
    """Take a profile out of the file. What is kept of a sign-in stays: `broker logout` first.

    \b
      broker profiles remove acme
    """
    from broker.cli.profiles.editing import remove_profile  # noqa: PLC0415 - as above

    file = profiles_file()
    was_default = remove_profile(file, name)
    click.echo(f"Profile {name} is gone from {file}.")
    if was_default:
        click.echo("It was the default one; there is none now.")


def _said(profile: Profile) -> dict[str, Any]:
    return profile.model_dump(mode="json", exclude_none=True)


def _usual(profile: Profile) -> str:
    said = _said(profile)
    return ", ".join(f"{key} {value}" for key, value in said.items() if key != "url")
