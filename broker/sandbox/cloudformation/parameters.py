"""Parameters of a CloudFormation template: declared there, given with the stack, checked here."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from broker.sandbox.cloudformation.template import TemplateError

_PARAMETER_MEMBERS = {
    "AllowedPattern",
    "AllowedValues",
    "ConstraintDescription",
    "Default",
    "Description",
    "MaxLength",
    "MinLength",
    "NoEcho",
    "Type",
}


def bind_parameters(
    declared: Mapping[str, Mapping[str, Any]], given: Mapping[str, str]
) -> dict[str, str]:
    """Each declared parameter with its value; TemplateError for what does not fit."""
    unknown = sorted(set(given) - set(declared))
    if unknown:
        raise TemplateError(f"The template has no parameter {', '.join(unknown)}")
    return {
        name: _value(name, declaration, given.get(name)) for name, declaration in declared.items()
    }


def _value(name: str, declared: Mapping[str, Any], given: str | None) -> str:
    unknown = sorted(set(declared) - _PARAMETER_MEMBERS)
    if unknown or declared.get("Type") not in ("String", "Number"):
        raise TemplateError(f"The sandbox does not know how parameter {name} is declared")
    if given is None and "Default" not in declared:
        raise TemplateError(f"Parameter {name} must have a value")
    value = str(declared.get("Default") if given is None else given)
    allowed = [str(each) for each in declared.get("AllowedValues", [value])]
    within = (
        value in allowed
        and re.fullmatch(str(declared.get("AllowedPattern", "(?s).*")), value)
        and len(value) >= int(declared.get("MinLength", 0))
        and len(value) <= int(declared.get("MaxLength", 4096))
    )
    if not within:
        raise TemplateError(f"Parameter {name} does not satisfy its constraints")
    return value
