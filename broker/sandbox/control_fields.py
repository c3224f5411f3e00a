"""What the sandbox's own interface is sent, field by field."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from broker.sandbox.accounts import ControlError


def fields_of(body: bytes) -> Mapping[str, Any]:
    """The fields of a body. Raises ControlError, like all here."""
    try:
        fields = json.loads(body)
    except ValueError as error:
        raise ControlError("The body must be JSON") from error
    if not isinstance(fields, dict):
        raise ControlError("The body must be a JSON object")
    return fields


def only(fields: Mapping[str, Any], known: set[str]) -> None:
    """Let no field pass that nobody reads."""
    unknown = sorted(set(fields) - known)
    if unknown:
        raise ControlError(
            f"Unknown field {', '.join(unknown)}; known are {', '.join(sorted(known))}"
        )


def text(fields: Mapping[str, Any], name: str, default: str | None = None) -> str:
    """A string; `default` where it is left out."""
    value = fields.get(name, default)
    if not isinstance(value, str):
        raise ControlError(f"{name} must be a string")
    return value


def texts(fields: Mapping[str, Any], name: str) -> Mapping[str, str]:
    """An object of strings; an empty one where it is left out."""
    value = fields.get(name, {})
    if not isinstance(value, dict) or not all(isinstance(each, str) for each in value.values()):
        raise ControlError(f"{name} must be an object of strings")
    return value


def number(fields: Mapping[str, Any], name: str, *, least: float = float("-inf")) -> float:
    """A number that is `least` or more."""
    value = fields.get(name)
    if not isinstance(value, int | float) or isinstance(value, bool) or value < least:
        above = "" if least < 0 else f", {least:g} or more"
        raise ControlError(f"{name} must be a number{above}")
    return value


def count(fields: Mapping[str, Any], name: str, default: int) -> int:
    """A whole number up to 100; `default` where it is left out."""
    value = fields.get(name, default)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= 100:
        raise ControlError(f"{name} must be a number up to 100")
    return value
