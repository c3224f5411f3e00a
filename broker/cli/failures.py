"""How commands fail: one sentence, the code, the way out; and an exit code that scripts can use."""

from __future__ import annotations

import sys
from collections.abc import Callable
from enum import IntEnum

import click

from broker.errors import BrokerError, ConfigurationError


class ExitCode(IntEnum):
    """What the `broker` command ends with."""

    OK = 0
    FAILED = 1
    """Something went wrong on the way: try again, or ask the operator."""
    USAGE = 2
    """The command line or the settings are not right."""
    REFUSED = 3
    """The broker, or AWS, said no; the code says why."""


class CommandFailed(click.ClickException):
    """A failure as a person reads it; `code` is the stable code, if there is one."""

    exit_code = ExitCode.FAILED

    def __init__(self, message: str, *, code: str | None = None) -> None:
        super().__init__(message)
        self.code = code

    def format_message(self) -> str:
        """The sentence, and the code behind it."""
        return f"{self.message} [{self.code}]" if self.code else self.message


class CommandRefused(CommandFailed):
    """The broker, or AWS, said no: asking again changes nothing."""

    exit_code = ExitCode.REFUSED


class CommandMisused(CommandFailed):
    """The broker cannot read what was typed: the sentence names the member and its rule."""

    exit_code = ExitCode.USAGE


def reported(command: Callable[[], object]) -> None:
    """Run `command`; what fails is told on standard error, without a trace."""
    try:
        command()
    except ConfigurationError as e:
        click.echo(str(e), err=True)
        sys.exit(ExitCode.USAGE)
    except BrokerError as e:
        click.echo(f"Error: {e.public_message} [{e.code}]", err=True)
        sys.exit(ExitCode.FAILED)
