"""What commands share that ask the HTTP API: their options, whom they ask, and telling answers."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import click
from pydantic import BaseModel

from broker.cli.failures import told_by_the_shell
from broker.cli.identity.finding import (
    Bearer,
    Source,
    bearer_for,
    chosen_profile,
    named_broker,
    takes_a_profile,
)
from broker.client.broker import Broker
from broker.domain.plain_text import plain_json

Command = Callable[..., object]
Decorator = Callable[[Command], Command]
Answered = TypeVar("Answered", bound=BaseModel)

_OPTIONS: tuple[Decorator, ...] = (
    click.option(
        "--token",
        "credential",
        envvar="BROKER_TOKEN",
        show_envvar=True,
        help="Your API token; better in the environment, where other users cannot see it. Not "
        "needed after `broker login`.",
    ),
    click.option("--url", envvar="BROKER_URL", show_envvar=True, help="The broker."),
    takes_a_profile,
)


@dataclass(frozen=True, slots=True)
class Target:
    """A broker, and as whom it is asked."""

    url: str
    bearer: Bearer
    profile: str | None = None
    """The profile that filled in what was not said."""

    @property
    def source(self) -> Source:
        """Where the credential comes from."""
        return self.bearer.source

    def broker(self) -> Broker:
        """A client, to be closed. Commands that last ask for a new one now and then: a sign-in is
        renewed in between.

        Raises ClientError for what cannot be asked or sent, and like `found`.
        """
        return Broker(self.url, self.bearer.text())


def found(url: str | None, credential: str | None) -> Target:
    """Whom to ask, of what was typed, stands in the environment or a profile, or was signed in to.

    Raises UsageError, which says what is missing, and CommandFailed where a sign-in is over.
    """
    named = named_broker(url)
    picked = chosen_profile()
    return Target(
        url=named,
        bearer=bearer_for(named, credential),
        profile=None if picked is None else picked.name,
    )


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
        click.echo(plain_json(answer.model_dump_json(indent=2, by_alias=True)))
    else:
        show(answer)


def _decorated(command: Command, decorators: tuple[Decorator, ...]) -> Command:
    for decorate in decorators:
        command = decorate(command)
    return command
