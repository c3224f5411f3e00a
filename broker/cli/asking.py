"""What commands share that ask the HTTP API: their options, whom they ask, and telling answers."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import click
from pydantic import BaseModel

from broker.cli.failures import told_by_the_shell
from broker.client.broker import Broker

Command = Callable[..., object]
Decorator = Callable[[Command], Command]
Answered = TypeVar("Answered", bound=BaseModel)

EXIT_CODES = "Exit codes: 0 done, 1 failed (try again), 2 wrong usage, 3 refused."

_OPTIONS: tuple[Decorator, ...] = (
    click.option(
        "--token",
        "credential",
        envvar="BROKER_TOKEN",
        show_envvar=True,
        help="Your API token; better in the environment, where other users cannot see it.",
    ),
    click.option("--url", envvar="BROKER_URL", show_envvar=True, help="The broker."),
)


@dataclass(frozen=True, slots=True)
class Target:
    """A broker, and as whom it is asked."""

    url: str
    credential: str = field(repr=False)

    def broker(self) -> Broker:
        """A client, to be closed. Raises ClientError for what cannot be asked or sent."""
        return Broker(self.url, self.credential)


def found(url: str | None, credential: str | None) -> Target:
    """Whom to ask, of what was typed or stands in the environment.

    Raises UsageError, which says what is missing.
    """
    if not url:
        raise click.UsageError("No broker is named: set BROKER_URL, or say --url.")
    if not credential:
        raise click.UsageError("Nothing says who you are: set BROKER_TOKEN, or say --token.")
    return Target(url=url, credential=credential)


def finds_the_broker(command: Command) -> Command:
    """Give `command` a `target`, and tell what fails there as commands do."""

    @functools.wraps(command)
    def with_target(*args: Any, url: str | None, credential: str | None, **kwargs: Any) -> object:
        with told_by_the_shell():
            return command(*args, target=found(url, credential), **kwargs)

    return _decorated(with_target, _OPTIONS)


def calls_the_broker(command: Command) -> Command:
    """Give `command` a `target`, and whether to answer `as_json`."""
    as_json = click.option("--json", "as_json", is_flag=True, help="Print the answer as JSON.")
    return _decorated(finds_the_broker(command), (as_json,))


def tell(answer: Answered, show: Callable[[Answered], None], *, as_json: bool) -> None:
    """Print an answer in the form that was asked for."""
    if as_json:
        click.echo(answer.model_dump_json(indent=2, by_alias=True))
    else:
        show(answer)


def _decorated(command: Command, decorators: tuple[Decorator, ...]) -> Command:
    for decorate in decorators:
        command = decorate(command)
    return command
