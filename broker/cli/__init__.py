"""The `broker` command: a client of the HTTP API for engineers, and tools for operators."""

from __future__ import annotations

import click

from broker.cli.failures import reported
from broker.cli.lazy import LazyGroup

__all__ = ["main"]

COMMANDS = {
    "accounts": "broker.cli.accounts",
    "completion": "broker.cli.identity.completion",
    "configure": "broker.cli.configure",
    "console": "broker.cli.console",
    "demo": "broker.cli.demo.command",
    "doctor": "broker.cli.doctor",
    "exec": "broker.cli.exec",
    "get": "broker.cli.get",
    "keys": "broker.cli.keys",
    "ledger": "broker.cli.ledger",
    "login": "broker.cli.identity.login",
    "logout": "broker.cli.identity.logout",
    "profiles": "broker.cli.identity.profiles",
    "prove": "broker.cli.prove",
    "requests": "broker.cli.requests",
    "revoke": "broker.cli.revoke",
    "roles": "broker.cli.roles",
    "serve": "broker.cli.serve",
    "sessions": "broker.cli.sessions",
    "template": "broker.cli.template",
    "tokens": "broker.cli.tokens",
    "webhooks": "broker.cli.webhooks",
    "whoami": "broker.cli.identity.whoami",
    "worker": "broker.cli.worker",
}
"""The module of each command, which holds it under its own name."""


@click.group(
    cls=LazyGroup,
    modules=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(package_name="support-access-broker")
def broker() -> None:
    """Short-lived, read-only AWS credentials for support tickets.

    Engineers sign in once; programs set BROKER_URL and BROKER_TOKEN instead.

    \b
      broker login --url https://broker.example.com
      broker profiles set acme --url https://broker.example.com --default
      broker get --account 111122223333 --ticket T-1042
    """


def main() -> None:
    """The console script; ends with the exit codes that `broker.cli.failures` lists."""
    reported(broker)
