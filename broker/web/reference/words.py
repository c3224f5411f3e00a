"""Schemas in plain words: what a value may be, for people who read."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

Schema = Mapping[str, Any]
Schemas = Mapping[str, Schema]


class Kind(StrEnum):
    """How a piece of a sentence is set."""

    TEXT = "text"
    CODE = "code"
    MODEL = "model"
    """The name of a model, which is described elsewhere on the page."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a sentence, with the spaces that belong to it."""

    text: str
    kind: Kind = Kind.TEXT


_TYPES = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "true or false",
    "object": "object",
    "null": "null",
}


def what_it_may_be(schema: Schema, schemas: Schemas) -> tuple[Piece, ...]:
    """The whole sentence; `schemas` are what references lead to."""
    return tuple(_told(schema, schemas))


def prose(text: str) -> tuple[Piece, ...]:
    """Sentences of ours, with what stands between backticks set as code."""
    parts = " ".join(text.split()).split("`")
    kinds = (Kind.TEXT, Kind.CODE)
    pieces = (Piece(part, kinds[index % 2]) for index, part in enumerate(parts))
    return tuple(piece for piece in pieces if piece.text)


def name_of(reference: str) -> str:
    """The model that a reference leads to."""
    return reference.rpartition("/")[2]


def _told(schema: Schema, schemas: Schemas) -> Iterator[Piece]:
    if "$ref" in schema:
        name = name_of(schema["$ref"])
        target = schemas[name]
        yield from [Piece(name, Kind.MODEL)] if "properties" in target else _told(target, schemas)
    elif "anyOf" in schema:
        yield from _between(" or ", [tuple(_told(each, schemas)) for each in schema["anyOf"]])
    elif "enum" in schema:
        values = [(Piece(_value(each), Kind.CODE),) for each in schema["enum"]]
        yield from [*([Piece("one of ")] if len(values) > 1 else []), *_between(", ", values)]
    elif "const" in schema:
        yield Piece(_value(schema["const"]), Kind.CODE)
    elif schema.get("type") == "array":
        yield Piece("list of ")
        yield from _told(schema.get("items", {}), schemas)
        yield from _bounds(schema, "Items", "items")
    elif schema.get("additionalProperties"):
        yield Piece("object of ")
        yield from _told(schema["additionalProperties"], schemas)
    else:
        yield from _simple(schema)


def _simple(schema: Schema) -> Iterator[Piece]:
    if schema.get("format") == "date-time":
        yield Piece("time")
        return
    yield Piece(_TYPES.get(schema.get("type", ""), "anything"))
    yield from _bounds(schema, "Length", "characters")
    yield from _range(schema)
    if "pattern" in schema:
        yield Piece(" that matches ")
        # The whole of it has to, which the anchors say in every pattern of ours.
        yield Piece(schema["pattern"].removeprefix("^").removesuffix("$"), Kind.CODE)


def _bounds(schema: Schema, what: str, unit: str) -> Iterator[Piece]:
    least, most = schema.get(f"min{what}"), schema.get(f"max{what}")
    if most is not None:
        yield Piece(f", {least} to {most} {unit}" if least else f", at most {most} {unit}")
    elif least:
        yield Piece(f", at least {least} {unit}")


def _range(schema: Schema) -> Iterator[Piece]:
    least, most = schema.get("minimum"), schema.get("maximum")
    if least is not None and most is not None:
        yield Piece(f", {least} to {most}")
    elif least is not None:
        yield Piece(f", at least {least}")
    elif most is not None:
        yield Piece(f", at most {most}")


def _between(word: str, parts: Sequence[Sequence[Piece]]) -> Iterator[Piece]:
    for index, part in enumerate(parts):
        if index:
            yield Piece(word)
        yield from part


def _value(value: object) -> str:
    """A JSON value as it is written, texts without their quotes."""
    return value if isinstance(value, str) else json.dumps(value)
