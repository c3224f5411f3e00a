"""What commands share that ask the HTTP API: their options, lists in parts, and telling answers."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

import click
import httpx
from pydantic import BaseModel, ValidationError

from broker.cli.client import BrokerClient, not_a_broker

Command = TypeVar("Command", bound=Callable[..., object])
Shown = TypeVar("Shown", bound=BaseModel)

EXIT_CODES = "Exit codes: 0 done, 1 failed (try again), 2 wrong usage, 3 refused."
_PAGE = 200


def calls_the_broker(command: Command) -> Command:
    """Add what every such command takes: how to answer, where the broker is, who is asking."""
    for decorate in (
        click.option(
            "--token",
            envvar="BROKER_TOKEN",
            required=True,
            show_envvar=True,
            help="Your API token; better in the environment, where other users cannot see it.",
        ),
        click.option(
            "--url", envvar="BROKER_URL", required=True, show_envvar=True, help="The broker."
        ),
        click.option("--json", "as_json", is_flag=True, help="Print the API's answer as JSON."),
    ):
        command = decorate(command)
    return command


def all_items(
    broker: BrokerClient, url: str, path: str, filters: Mapping[str, str | None] | None = None
) -> Iterator[object]:
    """Every item of the list at `path`, part by part; a filter of None is none."""
    given = {name: value for name, value in (filters or {}).items() if value is not None}
    query = httpx.QueryParams({**given, "limit": _PAGE})
    while True:
        part = broker.request("GET", f"{path}?{query}")
        try:
            yield from part["items"]
            cursor = part["next"]
        except (KeyError, TypeError) as e:
            raise not_a_broker(url) from e
        if cursor is None:
            return
        query = query.set("cursor", cursor)


def tell(
    answer: Any, url: str, *, as_json: bool, show: Callable[[Shown], None], model: type[Shown]
) -> Shown:
    """Print an answer in the form that was asked for, and return what was read of it."""
    try:
        told = model.model_validate(answer)
    except ValidationError as e:
        raise not_a_broker(url) from e
    if as_json:
        click.echo(json.dumps(answer, indent=2))
    else:
        show(told)
    return told
