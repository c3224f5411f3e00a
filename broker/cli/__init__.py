"""The `broker` command: a client of the HTTP API for engineers, and tools for operators."""

from __future__ import annotations

from importlib import import_module

import click

from broker.cli.failures import reported

__all__ = ["main"]

COMMANDS = {
    "accounts": "broker.cli.accounts",
    "demo": "broker.cli.demo.command",
    "doctor": "broker.cli.doctor",
    "get": "broker.cli.get",
    "keys": "broker.cli.keys",
    "prove": "broker.cli.prove",
    "serve": "broker.cli.serve",
    "template": "broker.cli.template",
    "tokens": "broker.cli.tokens",
    "worker": "broker.cli.worker",
}
"""The module of each command, which holds it under its own name."""


class Commands(click.Group):
    """Imports a command when it is called: `broker get` must not wait for what `serve` needs."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Every command's name, for the help text."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, or None if there is no such name."""
        del ctx
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = getattr(import_module(COMMANDS[cmd_name]), cmd_name)
        return command


@click.group(
    cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.version_option(package_name="support-access-broker")
def broker() -> None:
    """Short-lived, read-only AWS credentials for support tickets.

    Engineers need BROKER_URL and BROKER_TOKEN in the environment:

    \b
      broker get --account 111122223333 --ticket T-1042
    """


def main() -> None:
    """The console script; ends with the exit codes that `broker.cli.failures` lists."""
    reported(broker)
