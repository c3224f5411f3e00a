"""Identifiers on the command line: nothing else gets into an address of the API."""

from __future__ import annotations

from typing import Generic, TypeVar

import click

from broker.domain.identifiers import Identifier

Id = TypeVar("Id", bound=Identifier)


class Parsed(click.ParamType[Id], Generic[Id]):
    """An identifier of one kind, called `name` where it is asked for."""

    def __init__(self, kind: type[Id], name: str) -> None:
        self._kind = kind
        self.name = name

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> Id:
        """The identifier, or what is wrong with it."""
        try:
            return self._kind.parse(value)
        except ValueError as e:
            self.fail(f"It {e}.", param, ctx)
