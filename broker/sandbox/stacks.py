"""CloudFormation's part: stacks whose resources the account's administrator really creates.

Every resource is made by an ordinary, signed IAM call, so the sandbox's own checks apply.
Custom resources are recorded; their delivery through SNS is not played yet.
"""

from __future__ import annotations

import json
import re
import secrets
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from typing import Any

from botocore.exceptions import ClientError, ParamValidationError

from broker.sandbox.template import (
    Resolver,
    Resource,
    Template,
    TemplateError,
    references,
)
from broker.sandbox.template_parameters import bind_parameters

_ROLE_PROPERTIES = {
    "AssumeRolePolicyDocument",
    "Description",
    "ManagedPolicyArns",
    "MaxSessionDuration",
    "Path",
    "PermissionsBoundary",
    "Policies",
    "RoleName",
    "Tags",
}
_POLICY_PROPERTIES = {"PolicyDocument", "PolicyName", "Roles"}


@dataclass(frozen=True)
class MadeResource:
    """A resource of a stack: how Ref and GetAtt see it, and how it is undone."""

    logical_id: str
    type: str
    physical_id: str
    attributes: Mapping[str, str] = field(default_factory=dict)
    undo: tuple[Callable[[], object], ...] = field(default=(), repr=False)


@dataclass(frozen=True)
class CustomResource:
    """A custom resource as it would be announced through its SNS topic."""

    logical_id: str
    type: str
    service_token: str
    properties: Mapping[str, Any]


@dataclass(frozen=True)
class Stack:
    """A stack that stands."""

    stack_id: str
    name: str
    outputs: Mapping[str, str]
    resources: tuple[MadeResource, ...]
    custom_resources: tuple[CustomResource, ...]

    def delete(self) -> None:
        """Remove its resources, last made first."""
        for resource in reversed(self.resources):
            for undo in resource.undo:
                undo()


@dataclass(frozen=True, kw_only=True)
class StackRequest:
    """What a stack is made from."""

    account_id: str
    partition: str
    region: str
    name: str
    template: str
    parameters: Mapping[str, str]


def create_stack(request: StackRequest, iam: Any) -> Stack:
    """Make the stack through `iam`, a boto3 client of the account's administrator.

    Raises TemplateError; what was made until then is removed again.
    """
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9-]{0,127}", request.name):
        raise TemplateError(f"{request.name!r} is not a stack name")
    template = Template.parse(request.template)
    return _Play(request, template, iam).run()


class _Play:
    """One creation of a stack."""

    def __init__(self, request: StackRequest, template: Template, iam: Any) -> None:
        self._request = request
        self._template = template
        self._iam = iam
        where = f"arn:{request.partition}:cloudformation:{request.region}:{request.account_id}"
        self._stack_id = f"{where}:stack/{request.name}/{uuid.uuid4()}"
        self._made: list[MadeResource] = []
        self._custom: list[CustomResource] = []
        self._resolver = Resolver(
            names={
                **self._pseudo_parameters(),
                **bind_parameters(template.parameters, request.parameters),
            },
            conditions=template.conditions,
        )

    def run(self) -> Stack:
        try:
            for resource in self._in_order():
                if resource.condition is None or self._resolver.condition(resource.condition):
                    self._make(resource)
            outputs = self._outputs()
        except (ClientError, ParamValidationError, TemplateError) as error:
            self._stack({}).delete()
            raise TemplateError(f"{self._request.name} was rolled back: {error}") from error
        return self._stack(outputs)

    def _stack(self, outputs: Mapping[str, str]) -> Stack:
        return Stack(
            stack_id=self._stack_id,
            name=self._request.name,
            outputs=outputs,
            resources=tuple(self._made),
            custom_resources=tuple(self._custom),
        )

    def _pseudo_parameters(self) -> dict[str, str]:
        suffix = {"aws": "amazonaws.com", "aws-cn": "amazonaws.com.cn", "aws-eusc": "amazonaws.eu"}
        return {
            "AWS::AccountId": self._request.account_id,
            "AWS::Partition": self._request.partition,
            "AWS::Region": self._request.region,
            "AWS::StackId": self._stack_id,
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

    def _make(self, resource: Resource) -> None:
        if resource.type == "AWS::IAM::Role":
            made = self._role(resource)
        elif resource.type == "AWS::IAM::Policy":
            made = self._policy(resource)
        elif re.fullmatch(r"AWS::CloudFormation::CustomResource|Custom::[\w@-]+", resource.type):
            made = self._custom_resource(resource)
        else:
            raise TemplateError(f"The sandbox does not know resources of type {resource.type}")
        self._made.append(made)
        self._resolver.names[resource.logical_id] = made.physical_id
        self._resolver.attributes[resource.logical_id] = made.attributes

    def _role(self, resource: Resource) -> MadeResource:
        properties = self._properties(resource, _ROLE_PROPERTIES)
        name = properties.get("RoleName") or self._generated_name(resource)
        passed = {
            key: properties[key]
            for key in ("Path", "Description", "MaxSessionDuration", "PermissionsBoundary", "Tags")
            if key in properties
        }
        role = self._iam.create_role(
            RoleName=name,
            AssumeRolePolicyDocument=json.dumps(properties["AssumeRolePolicyDocument"]),
            **passed,
        )["Role"]
        made = MadeResource(
            logical_id=resource.logical_id,
            type=resource.type,
            physical_id=name,
            attributes={"Arn": role["Arn"], "RoleId": role["RoleId"]},
            undo=(lambda: _delete_role(self._iam, name),),
        )
        self._with_policies(made, properties)
        return made

    def _with_policies(self, made: MadeResource, properties: Mapping[str, Any]) -> None:
        """Give the role its policies; a role whose policies fail is not left behind."""
        try:
            for arn in properties.get("ManagedPolicyArns", []):
                self._iam.attach_role_policy(RoleName=made.physical_id, PolicyArn=arn)
            for policy in properties.get("Policies", []):
                self._put_policy(made.physical_id, policy)
        except ClientError:
            _delete_role(self._iam, made.physical_id)
            raise

    def _policy(self, resource: Resource) -> MadeResource:
        properties = self._properties(resource, _POLICY_PROPERTIES)
        roles = properties.get("Roles", [])
        if not roles:
            raise TemplateError(f"{resource.logical_id} must name at least one role")
        name = properties["PolicyName"]
        for role in roles:
            self._put_policy(role, properties)
        return MadeResource(
            logical_id=resource.logical_id,
            type=resource.type,
            physical_id=f"{self._request.name}-{name}",
            undo=tuple(_policy_removal(self._iam, role, name) for role in roles),
        )

    def _put_policy(self, role: str, policy: Mapping[str, Any]) -> None:
        self._iam.put_role_policy(
            RoleName=role,
            PolicyName=policy["PolicyName"],
            PolicyDocument=json.dumps(policy["PolicyDocument"]),
        )

    def _custom_resource(self, resource: Resource) -> MadeResource:
        properties = self._resolver.resolve(resource.properties)
        token = str(properties.get("ServiceToken"))
        if not re.fullmatch(r"arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:[\w-]{1,256}", token):
            raise TemplateError(f"{resource.logical_id} needs the ARN of an SNS topic")
        custom = CustomResource(resource.logical_id, resource.type, token, properties)
        self._custom.append(custom)
        physical_id = self._generated_name(resource)
        return MadeResource(resource.logical_id, resource.type, physical_id)

    def _properties(self, resource: Resource, known: set[str]) -> Mapping[str, Any]:
        unknown = sorted(set(resource.properties) - known)
        if unknown:
            raise TemplateError(
                f"The sandbox does not know {', '.join(unknown)} of {resource.type}"
            )
        resolved = self._resolver.resolve(resource.properties)
        required = {"AWS::IAM::Role": ["AssumeRolePolicyDocument"]}.get(
            resource.type, ["PolicyName", "PolicyDocument"]
        )
        for name in required:
            if name not in resolved:
                raise TemplateError(f"{resource.logical_id} lacks {name}")
        return dict(resolved)

    def _generated_name(self, resource: Resource) -> str:
        suffix = secrets.token_hex(6).upper()
        return f"{self._request.name}-{resource.logical_id}"[:51] + f"-{suffix}"

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


def _policy_removal(iam: Any, role: str, policy: str) -> Callable[[], object]:
    return lambda: _unless_gone(iam.delete_role_policy, RoleName=role, PolicyName=policy)


def _delete_role(iam: Any, name: str) -> None:
    attached = _unless_gone(iam.list_attached_role_policies, RoleName=name)
    if attached is None:
        return
    for policy in attached["AttachedPolicies"]:
        iam.detach_role_policy(RoleName=name, PolicyArn=policy["PolicyArn"])
    for policy_name in iam.list_role_policies(RoleName=name)["PolicyNames"]:
        iam.delete_role_policy(RoleName=name, PolicyName=policy_name)
    iam.delete_role(RoleName=name)


def _unless_gone(call: Callable[..., Any], **parameters: str) -> Any:
    """None if what the call is about does not exist any more, which suits a deletion."""
    try:
        return call(**parameters)
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchEntity":
            raise
        return None
