"""CloudFormation's part: stacks that are created, updated, rolled back and deleted.

Resources are made in the order of what they depend on, and removed in the opposite one. What a
stack is made of stands in `stack_resources`.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from typing import Any

from botocore.exceptions import ClientError, ParamValidationError

from broker.sandbox.cloudformation.custom_resources import CustomResources
from broker.sandbox.cloudformation.parameters import bind_parameters
from broker.sandbox.cloudformation.resources import (
    Customs,
    FailedResourceError,
    MadeResource,
    Policies,
    ResourceKind,
    Roles,
    StackIdentity,
)
from broker.sandbox.cloudformation.template import (
    Resolver,
    Resource,
    Template,
    TemplateError,
    references,
)

_CUSTOM = re.compile(r"AWS::CloudFormation::CustomResource|Custom::[\w@-]+")
_FAILURES = (ClientError, ParamValidationError, TemplateError)


@dataclass(frozen=True, kw_only=True)
class StackRequest:
    """What a stack is made from."""

    account_id: str
    partition: str
    region: str
    name: str
    template: str
    parameters: Mapping[str, str]


@dataclass(frozen=True)
class Stack:
    """A stack that stands."""

    identity: StackIdentity
    request: StackRequest
    outputs: Mapping[str, str]
    resources: tuple[MadeResource, ...]

    @property
    def custom_resources(self) -> tuple[MadeResource, ...]:
        return tuple(each for each in self.resources if _CUSTOM.fullmatch(each.type))


@dataclass(frozen=True)
class _Kinds:
    """Who makes what, for one stack."""

    roles: Roles
    policies: Policies
    customs: Customs

    def of(self, resource_type: str) -> ResourceKind:
        if resource_type == "AWS::IAM::Role":
            return self.roles
        if resource_type == "AWS::IAM::Policy":
            return self.policies
        if _CUSTOM.fullmatch(resource_type):
            return self.customs
        raise TemplateError(f"The sandbox does not know resources of type {resource_type}")


class CloudFormation:
    """Plays with stacks. iam: a boto3 client of the account's administrator."""

    def __init__(self, custom: CustomResources) -> None:
        self._custom = custom

    def create(self, request: StackRequest, iam: Any) -> Stack:
        """Make a stack. Raises TemplateError; what was made until then is removed again."""
        if not re.fullmatch(r"[A-Za-z][A-Za-z0-9-]{0,127}", request.name):
            raise TemplateError(f"{request.name!r} is not a stack name")
        where = f"arn:{request.partition}:cloudformation:{request.region}:{request.account_id}"
        identity = StackIdentity(f"{where}:stack/{request.name}/{uuid.uuid4()}", request.name)
        play = _Play(identity, request, self._kinds(identity, iam))
        try:
            return play.run({})
        except _FAILURES as error:
            play.remove(reversed(play.made.values()))
            raise TemplateError(f"{request.name} was rolled back: {error}") from error

    def update(self, stack: Stack, request: StackRequest, iam: Any) -> Stack:
        """The stack as `request` wants it. Raises TemplateError once the stack is as it was."""
        kinds = self._kinds(stack.identity, iam)
        before = {each.logical_id: each for each in stack.resources}
        play = _Play(stack.identity, request, kinds)
        try:
            updated = play.run(before)
            play.remove(
                each for each in reversed(before.values()) if each.logical_id not in play.made
            )
        except _FAILURES as error:
            back = _Play(stack.identity, stack.request, kinds)
            back.run({**before, **play.made})
            back.remove(
                each for each in reversed(play.made.values()) if each.logical_id not in before
            )
            raise TemplateError(f"{request.name} was rolled back: {error}") from error
        return updated

    def delete(self, stack: Stack, iam: Any) -> None:
        """Remove all of it, last made first. Raises TemplateError where something cannot be."""
        play = _Play(stack.identity, stack.request, self._kinds(stack.identity, iam))
        try:
            play.remove(reversed(stack.resources))
        except _FAILURES as error:
            raise TemplateError(f"{stack.identity.name} was not deleted: {error}") from error

    def _kinds(self, identity: StackIdentity, iam: Any) -> _Kinds:
        return _Kinds(
            Roles(iam, identity), Policies(iam, identity), Customs(self._custom, identity)
        )


class _Play:
    """One pass over a template's resources; `made` is what stands by now, in order."""

    def __init__(self, identity: StackIdentity, request: StackRequest, kinds: _Kinds) -> None:
        self.made: dict[str, MadeResource] = {}
        self._identity = identity
        self._request = request
        self._kinds = kinds
        self._template = Template.parse(request.template)
        self._resolver = Resolver(
            names={
                **self._pseudo_parameters(),
                **bind_parameters(self._template.parameters, request.parameters),
            },
            conditions=self._template.conditions,
        )

    def run(self, before: Mapping[str, MadeResource]) -> Stack:
        """Make what is not there `before`, and change what is."""
        for resource in self._in_order():
            if resource.condition is None or self._resolver.condition(resource.condition):
                self._make(resource, before.get(resource.logical_id))
        return Stack(
            identity=self._identity,
            request=self._request,
            outputs=self._outputs(),
            resources=tuple(self.made.values()),
        )

    def remove(self, resources: Iterable[MadeResource]) -> None:
        for each in resources:
            self._kinds.of(each.type).delete(each)

    def _make(self, resource: Resource, old: MadeResource | None) -> None:
        kind = self._kinds.of(resource.type)
        properties = self._resolver.resolve(resource.properties)
        try:
            if old is None:
                made = kind.create(resource, properties)
            elif old.type != resource.type:
                raise TemplateError(f"{resource.logical_id} cannot change its type")
            else:
                made = kind.update(old, properties)
        except FailedResourceError as error:
            self.made[resource.logical_id] = error.made
            raise
        self.made[resource.logical_id] = made
        self._resolver.names[resource.logical_id] = made.physical_id
        self._resolver.attributes[resource.logical_id] = made.attributes

    def _pseudo_parameters(self) -> dict[str, str]:
        suffix = {"aws": "amazonaws.com", "aws-cn": "amazonaws.com.cn", "aws-eusc": "amazonaws.eu"}
        return {
            "AWS::AccountId": self._request.account_id,
            "AWS::Partition": self._request.partition,
            "AWS::Region": self._request.region,
            "AWS::StackId": self._identity.stack_id,
            "AWS::StackName": self._request.name,
            "AWS::URLSuffix": suffix.get(self._request.partition, "amazonaws.com"),
        }

    def _in_order(self) -> list[Resource]:
        resources = self._template.resources
        sorter: TopologicalSorter[str] = TopologicalSorter()
        for name, resource in resources.items():
            named = set(references(dict(resource.properties))) & set(resources)
            sorter.add(name, *named, *resource.depends_on)
        try:
            order = list(sorter.static_order())
        except CycleError as error:
            raise TemplateError("The resources depend on each other in a circle") from error
        missing = [name for name in order if name not in resources]
        if missing:
            raise TemplateError(f"DependsOn names {', '.join(missing)}, which is not a resource")
        return [resources[name] for name in order]

    def _outputs(self) -> dict[str, str]:
        outputs = {}
        for name, output in self._template.outputs.items():
            condition = output.get("Condition")
            if condition is None or self._resolver.condition(condition):
                value = self._resolver.resolve(output.get("Value"))
                if not isinstance(value, str | int):
                    raise TemplateError(f"Output {name} is not a text")
                outputs[name] = str(value)
        return outputs
