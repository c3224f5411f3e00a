"""Identifiers and choices on the command line, as the types that the API has for them."""

from __future__ import annotations

from enum import StrEnum
from typing import Generic, TypeVar

import click

from broker.domain.identifiers import Identifier

Id = TypeVar("Id", bound=Identifier)
Word = TypeVar("Word", bound=StrEnum)


class OneOf(click.Choice[Word], Generic[Word]):
    """One of an enum's members, typed and shown as the API spells them."""

    def normalize_choice(self, choice: object, ctx: click.Context | None) -> str:
        """The word for `choice`, where click would take the member's name in Python."""
        del ctx
        return str(choice)


class Parsed(click.ParamType[Id], Generic[Id]):
    """An identifier of one kind, called `name` where it is asked for.

    Nothing else gets into an address of the API.
    """

    def __init__(self, kind: type[Id], name: str) -> None:
        self._kind = kind
        self.name = name

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> Id:
        """The identifier, or what is wrong with it."""
        try:
            return self._kind.parse(value)
        except ValueError as e:
            self.fail(f"It {e}.", param, ctx)
