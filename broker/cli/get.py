"""`broker get`: credentials for a ticket, in the form that the next program expects."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import click

from broker.cli.asking import Target, finds_the_broker
from broker.cli.opening.granted import WithoutGrant, opened, waits_for_a_grant
from broker.cli.opening.picking import named
from broker.cli.opening.wanted import WantedSession, names_a_session
from broker.contract.sessions import OpenedSessionAnswer
from broker.domain.credential_forms import IN_SHELLS, Given, credential_process


def _json(opened: OpenedSessionAnswer) -> str:
    return opened.model_dump_json(indent=2)


def _of_credentials(form: Callable[[Given], str]) -> Callable[[OpenedSessionAnswer], str]:
    return lambda opened: form(opened.credentials)


FORMATS: Mapping[str, Callable[[OpenedSessionAnswer], str]] = {
    **{name: _of_credentials(form) for name, form in IN_SHELLS.items()},
    "json": _json,
    "credential-process": _of_credentials(credential_process),
}


@click.command(epilog="Exit codes: 0 given, 1 failed (try again), 2 wrong usage, 3 refused.")
@names_a_session
@waits_for_a_grant
@click.option(
    "--format",
    "form",
    type=click.Choice(list(FORMATS)),
    default="env",
    show_default=True,
    help="Variables for a shell (env is POSIX), the whole answer, a section for "
    "~/.aws/credentials (ini: saved there they are at rest until they end), or what "
    "credential_process in ~/.aws/config expects.",
)
@finds_the_broker
def get(*, wanted: WantedSession, without_grant: WithoutGrant, form: str, target: Target) -> None:
    """Get short-lived AWS credentials for a ticket.

    In a terminal, account and ticket are picked from a list where they are left out.

    \b
    In the shell (POSIX, fish, PowerShell):
      eval "$(broker get --account 111122223333 --ticket T-1042)"
      broker get --account 111122223333 --ticket T-1042 --format fish | source
      broker get --account 111122223333 --ticket T-1042 --format powershell | Out-String | iex
    In ~/.aws/config, as `broker configure` writes it:
      [profile acme]
      credential_process = broker get --account 111122223333 --ticket T-1042 --format credential-process
    """  # noqa: E501 - a line of a configuration file cannot be wrapped
    with target.broker() as broker:
        answer = opened(named(wanted, broker), broker, without_grant=without_grant)
    click.echo(FORMATS[form](answer))
