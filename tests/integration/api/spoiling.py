"""Bad values for what OpenAPI describes, made from the schema and one good value."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from broker.web import openapi
from broker.web.api import APIS, PUBLIC_APIS

Schema = Mapping[str, Any]

DOCUMENT: Any = openapi.document((*APIS, *PUBLIC_APIS), version="tests")

MARK = "cAnArY"
"""Stands in every bad text, so that an answer which repeats it is found out."""

_OF_TYPE: Mapping[str, object] = {
    "integer": 901,
    "number": 1.5,
    "string": MARK,
    "boolean": True,
    "array": [MARK],
    "object": {MARK: MARK},
    "null": None,
}
_TIMES = (
    MARK,
    "2099-01-01T00:00:00",
    "2099-13-01T00:00:00Z",
    "2099-01-01T25:00:00Z",
    "9999-12-31T23:59:59-12:00",
    "0001-01-01T00:00:00+12:00",
    "2001-01-01T00:00:00Z",
)
_BEYOND_ANY_INTEGER = 10**30


def operations() -> Iterator[tuple[str, str, Schema]]:
    """Every operation with its method and its path."""
    for path, methods in DOCUMENT["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def body_schema(operation: Schema) -> Schema | None:
    """The schema of the body, if the operation takes one."""
    if "requestBody" not in operation:
        return None
    return resolved(operation["requestBody"]["content"]["application/json"]["schema"])


def resolved(schema: Schema) -> Schema:
    """The schema that a reference leads to."""
    if "$ref" not in schema:
        return schema
    return dict(DOCUMENT["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]])


def variants(schema: Schema) -> list[Schema]:
    """What a value may be, each on its own."""
    return [resolved(variant) for variant in schema.get("anyOf", [schema])]


def bad_values(schema: Schema, good: Any) -> Iterator[object]:
    """Values that the schema does not allow; `good` is one that it does."""
    allowed = variants(schema)
    types = {variant["type"] for variant in allowed} | {
        "integer" for variant in allowed if variant["type"] == "number"
    }
    for type_name, value in _OF_TYPE.items():
        if type_name not in types:
            yield value
    for variant in allowed:
        match variant["type"]:
            case "string":
                yield from _bad_texts(variant, good)
            case "integer":
                yield from (variant["minimum"] - 1, variant["maximum"] + 1, _BEYOND_ANY_INTEGER)
                yield from (-_BEYOND_ANY_INTEGER, 0)
            case "array":
                yield from _bad_arrays(variant, good)


def _bad_texts(schema: Schema, good: str) -> Iterator[object]:
    # Half a surrogate pair is no character: no schema speaks of it, no parser may let it in.
    yield "\ud800"
    if schema.get("format") == "date-time":
        yield from _TIMES
        return
    for text in (
        "",
        MARK,
        f"{good}\n",
        f"\n{good}",
        f"{MARK}\x00",
        f"{MARK}\x7f",
        f"{MARK} {MARK}",
        f"../{MARK}",
        "é" * 3,
        "\uff11" * 12,
        MARK * 1000,
        str(good).swapcase() + " ",
    ):
        if not _allows(schema, text):
            yield text


def _allows(schema: Schema, text: str) -> bool:
    if "enum" in schema:
        return text in schema["enum"]
    fits = schema.get("minLength", 0) <= len(text) <= schema.get("maxLength", 10**9)
    pattern = schema.get("pattern", "^.*$")
    return fits and re.fullmatch(pattern[1:-1], text, re.DOTALL) is not None


def _bad_arrays(schema: Schema, good: list[Any]) -> Iterator[object]:
    if "maxItems" in schema:
        yield [good[0]] * (schema["maxItems"] + 1)
    if schema.get("minItems", 0) > 0:
        yield []
    for item in bad_values(resolved(schema["items"]), good[0]):
        yield [good[0], item]
