"""The `broker` command: a client of the HTTP API for engineers, and tools for operators."""

from __future__ import annotations

import click

from broker.cli.core_dumps import forbid_core_dumps
from broker.cli.failures import reported
from broker.cli.grammar.lazy import LazyGroup

__all__ = ["main"]

COMMANDS = {
    "accounts": "broker.cli.accounts",
    "completion": "broker.cli.completion",
    "configure": "broker.cli.configure",
    "console": "broker.cli.console",
    "demo": "broker.cli.demo.command",
    "doctor": "broker.cli.doctor",
    "exec": "broker.cli.exec",
    "get": "broker.cli.get",
    "keys": "broker.cli.keys",
    "ledger": "broker.cli.ledger",
    "login": "broker.cli.signing_in.login",
    "logout": "broker.cli.signing_in.logout",
    "profiles": "broker.cli.profiles.command",
    "prove": "broker.cli.prove",
    "requests": "broker.cli.requests",
    "revoke": "broker.cli.revoke",
    "roles": "broker.cli.roles",
    "serve": "broker.cli.serve",
    "sessions": "broker.cli.sessions",
    "template": "broker.cli.template",
    "tickets": "broker.cli.tickets",
    "tokens": "broker.cli.tokens",
    "webhooks": "broker.cli.webhooks",
    "whoami": "broker.cli.signing_in.whoami",
    "worker": "broker.cli.worker",
}
"""The module of each command, which holds it under its own name."""

SECTIONS = {
    "For engineers": (
        *("login", "logout", "whoami"),
        *("get", "exec", "console", "configure", "requests", "sessions"),
        *("profiles", "completion"),
    ),
    "For customers and auditors": ("ledger", "prove"),
    "For operators, over the API": ("accounts", "tickets", "revoke", "tokens"),
    "For operators, on the broker's machine": (
        *("serve", "worker", "doctor", "keys", "roles", "webhooks", "template", "demo"),
    ),
}
"""Whom each command is for first; all may be tried by anybody, and the broker decides."""

_EPILOG = """
Customers also approve with `broker requests`, and switch access off with `broker accounts consent`.

\b
Exit codes:
  0  done
  1  failed on the way, not in time, or not well: try again, or ask the operator
  2  wrong usage or settings
  3  refused by the broker or by AWS; the code in brackets says why
"""


@click.group(
    cls=LazyGroup,
    modules=COMMANDS,
    sections=SECTIONS,
    epilog=_EPILOG,
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
    forbid_core_dumps()
    reported(broker)
