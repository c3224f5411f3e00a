"""The `broker` command: a client of the HTTP API for engineers, and tools for operators."""

from __future__ import annotations

import click

from broker.cli.demo.command import demo
from broker.cli.failures import reported
from broker.cli.get import get
from broker.cli.serve import serve
from broker.cli.tokens import tokens

__all__ = ["main"]


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="support-access-broker")
def broker() -> None:
    """Short-lived, read-only AWS credentials for support tickets.

    Engineers need BROKER_URL and BROKER_TOKEN in the environment:

    \b
      broker get --account 111122223333 --ticket T-1042
    """


broker.add_command(demo)
broker.add_command(get)
broker.add_command(serve)
broker.add_command(tokens)


def main() -> None:
    """The console script; ends with the exit codes that `broker.cli.failures` lists."""
    reported(broker)
