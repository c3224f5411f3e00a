"""CloudFormation templates: text in, checked sections out, intrinsic functions resolved.

Only what is written here is understood; anything else in a template is an error, so that a
template that passes here does not lean on something the sandbox skipped. Source:
CloudFormation User Guide, "Template sections" and "Intrinsic function reference".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml


class TemplateError(ValueError):
    """A template that CloudFormation would refuse, or that the sandbox does not understand."""


_SECTIONS = {
    "AWSTemplateFormatVersion",
    "Conditions",
    "Description",
    "Metadata",
    "Outputs",
    "Parameters",
    "Resources",
}
_RESOURCE_MEMBERS = {
    "Condition",
    "DeletionPolicy",
    "DependsOn",
    "Metadata",
    "Properties",
    "Type",
    "UpdateReplacePolicy",
}


class _Loader(yaml.SafeLoader):
    """YAML with the short forms of the functions; dates stay text, as in CloudFormation."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def _construct_short_form(loader: _Loader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    value: Any
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        raise TemplateError(f"!{suffix} takes a text or a list")
    if suffix in ("Ref", "Condition"):
        return {suffix: value}
    if suffix == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {f"Fn::{suffix}": value}


yaml.add_multi_constructor("!", _construct_short_form, Loader=_Loader)


@dataclass(frozen=True)
class Resource:
    """One resource as it is written, its properties not yet resolved."""

    logical_id: str
    type: str
    properties: Mapping[str, Any]
    condition: str | None
    depends_on: tuple[str, ...]


@dataclass(frozen=True)
class Template:
    """The sections of a template."""

    parameters: Mapping[str, Mapping[str, Any]]
    conditions: Mapping[str, Any]
    resources: Mapping[str, Resource]
    outputs: Mapping[str, Mapping[str, Any]]

    @classmethod
    def parse(cls, text: str) -> Template:
        """YAML or JSON, which is a part of YAML."""
        try:
            document = yaml.load(text, Loader=_Loader)  # noqa: S506  (a SafeLoader)
        except yaml.YAMLError as error:
            raise TemplateError(f"The template is neither YAML nor JSON: {error}") from error
        _check_members(document, _SECTIONS, "template")
        resources = _mapping(document.get("Resources"), "Resources")
        if not resources:
            raise TemplateError("A template must have at least one resource")
        return cls(
            parameters=_mapping(document.get("Parameters", {}), "Parameters"),
            conditions=_mapping(document.get("Conditions", {}), "Conditions"),
            resources={name: _resource(name, body) for name, body in resources.items()},
            outputs=_mapping(document.get("Outputs", {}), "Outputs"),
        )


def _resource(name: str, body: Any) -> Resource:
    _check_members(body, _RESOURCE_MEMBERS, f"resource {name}")
    for policy in ("DeletionPolicy", "UpdateReplacePolicy"):
        if body.get(policy, "Delete") != "Delete":
            raise TemplateError(f"The sandbox knows no {policy} but Delete ({name})")
    depends_on = body.get("DependsOn", [])
    return Resource(
        logical_id=name,
        type=str(body.get("Type")),
        properties=_mapping(body.get("Properties", {}), f"properties of {name}"),
        condition=body.get("Condition"),
        depends_on=tuple([depends_on] if isinstance(depends_on, str) else depends_on),
    )


def _check_members(value: Any, known: set[str], what: str) -> None:
    unknown = sorted(set(_mapping(value, what)) - known)
    if unknown:
        raise TemplateError(f"The sandbox does not know {', '.join(unknown)} in a {what}")


def _mapping(value: Any, what: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise TemplateError(f"{what} must be an object")
    return value


NO_VALUE = object()
"""What `AWS::NoValue` resolves to: the property or list item is left out."""

_SUB_NAME = re.compile(r"\$\{([^}]*)\}")


class Resolver:
    """Resolves intrinsic functions, given what is known so far.

    names: what Ref gives for parameters, pseudo parameters and resources already made.
    attributes: what GetAtt gives, by logical id.
    """

    def __init__(self, *, names: Mapping[str, Any], conditions: Mapping[str, Any]) -> None:
        self.names: dict[str, Any] = {**names, "AWS::NoValue": NO_VALUE}
        self.attributes: dict[str, Mapping[str, str]] = {}
        self._conditions = conditions
        self._functions: Mapping[str, Callable[[Any], Any]] = {
            "Condition": self.condition,
            "Fn::And": lambda operands: all(map(self._truth, operands)),
            "Fn::Equals": lambda pair: self.resolve(pair[0]) == self.resolve(pair[1]),
            "Fn::GetAtt": self._get_att,
            "Fn::If": self._if,
            "Fn::Join": lambda value: str(value[0]).join(map(str, self.resolve(value[1]))),
            "Fn::Not": lambda operands: not self._truth(operands[0]),
            "Fn::Or": lambda operands: any(map(self._truth, operands)),
            "Fn::Select": lambda value: self.resolve(value[1])[int(self.resolve(value[0]))],
            "Fn::Split": lambda value: self.resolve(value[1]).split(value[0]),
            "Fn::Sub": self._sub,
            "Ref": self._ref,
        }

    def resolve(self, value: Any) -> Any:
        """`value` with every function in it replaced by its result."""
        if isinstance(value, list):
            items = [self.resolve(item) for item in value]
            return [item for item in items if item is not NO_VALUE]
        if not isinstance(value, Mapping):
            return value
        name = next(iter(value)) if len(value) == 1 else ""
        if name in self._functions:
            return self._call(name, value[name])
        if name.startswith("Fn::"):
            raise TemplateError(f"The sandbox does not know {name}")
        members = {key: self.resolve(member) for key, member in value.items()}
        return {key: member for key, member in members.items() if member is not NO_VALUE}

    def condition(self, name: str) -> bool:
        """Whether the condition of this name holds."""
        if name not in self._conditions:
            raise TemplateError(f"There is no condition {name}")
        return self._truth(self._conditions[name])

    def _call(self, name: str, argument: Any) -> Any:
        try:
            return self._functions[name](argument)
        except (IndexError, KeyError, TypeError, AttributeError) as error:
            raise TemplateError(f"{name} has a malformed argument: {argument!r}") from error

    def _truth(self, value: Any) -> bool:
        resolved = self.resolve(value)
        if not isinstance(resolved, bool):
            raise TemplateError(f"{value!r} is not a condition")
        return resolved

    def _ref(self, name: str) -> Any:
        if name not in self.names:
            raise TemplateError(f"Ref to {name}, which is not known")
        return self.names[name]

    def _get_att(self, argument: list[str]) -> str:
        resource, attribute = argument
        known = self.attributes.get(resource, {})
        if attribute not in known:
            raise TemplateError(f"GetAtt {resource}.{attribute} is not known")
        return known[attribute]

    def _if(self, argument: list[Any]) -> Any:
        name, then, otherwise = argument
        return self.resolve(then if self.condition(name) else otherwise)

    def _sub(self, argument: str | list[Any]) -> str:
        text, variables = (argument, {}) if isinstance(argument, str) else argument
        own = {name: self.resolve(value) for name, value in variables.items()}

        def replace(found: re.Match[str]) -> str:
            name = found[1].strip()
            if name.startswith("!"):  # an escaped variable: ${!x} is written as ${x}
                return f"${{{name[1:]}}}"
            if name in own:
                return str(own[name])
            if "." in name:
                return self._get_att(name.split(".", 1))
            return str(self._ref(name))

        return _SUB_NAME.sub(replace, text)


def references(value: Any) -> Iterator[str]:
    """The names that `value` mentions through Ref, GetAtt and Sub, at any depth."""
    if isinstance(value, list):
        for item in value:
            yield from references(item)
    elif isinstance(value, Mapping):
        for key, member in value.items():
            if key == "Ref":
                yield str(member)
            elif key == "Fn::GetAtt":
                yield str(member[0])
            elif key == "Fn::Sub":
                text = member if isinstance(member, str) else member[0]
                yield from (name.split(".")[0] for name in _SUB_NAME.findall(text))
            yield from references(member)
