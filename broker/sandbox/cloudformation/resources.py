"""The resources of a stack: how each kind is made, changed and removed.

IAM's are made by ordinary, signed calls, so the sandbox's own checks apply.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from botocore.exceptions import ClientError

from broker.sandbox.cloudformation.custom_resources import (
    CustomResourceError,
    CustomResources,
    Request,
)
from broker.sandbox.cloudformation.template import Resource, TemplateError
from broker.sandbox.cloudformation.topics import TOPIC


@dataclass(frozen=True)
class MadeResource:
    """A resource of a stack: how Ref and GetAtt see it, and what it was made of."""

    logical_id: str
    type: str
    physical_id: str
    attributes: Mapping[str, str] = field(default_factory=dict)
    properties: Mapping[str, Any] = field(default_factory=dict, repr=False)


class FailedResourceError(TemplateError):
    """A resource that failed and yet has to be removed."""

    def __init__(self, made: MadeResource, text: str) -> None:
        super().__init__(text)
        self.made = made


@dataclass(frozen=True)
class StackIdentity:
    """What resources learn of their stack."""

    stack_id: str
    name: str


class ResourceKind(Protocol):
    """One type of resource. Properties are resolved."""

    def create(self, resource: Resource, properties: Mapping[str, Any]) -> MadeResource: ...

    def update(self, made: MadeResource, properties: Mapping[str, Any]) -> MadeResource: ...

    def delete(self, made: MadeResource) -> None: ...


class Roles:
    """AWS::IAM::Role."""

    _KNOWN = frozenset(
        {
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
    )
    _PASSED = ("Path", "Description", "MaxSessionDuration", "PermissionsBoundary", "Tags")
    _CHANGEABLE = frozenset({"AssumeRolePolicyDocument", "Description", "MaxSessionDuration"})

    def __init__(self, iam: Any, stack: StackIdentity) -> None:
        self._iam = iam
        self._stack = stack

    def create(self, resource: Resource, properties: Mapping[str, Any]) -> MadeResource:
        _check(resource, properties, known=self._KNOWN, required=["AssumeRolePolicyDocument"])
        name = properties.get("RoleName") or generated_name(self._stack, resource.logical_id)
        role = self._iam.create_role(
            RoleName=name,
            AssumeRolePolicyDocument=json.dumps(properties["AssumeRolePolicyDocument"]),
            **{key: properties[key] for key in self._PASSED if key in properties},
        )["Role"]
        made = MadeResource(
            logical_id=resource.logical_id,
            type=resource.type,
            physical_id=name,
            attributes={"Arn": role["Arn"], "RoleId": role["RoleId"]},
            properties=properties,
        )
        self._add_policies(made)
        return made

    def _add_policies(self, made: MadeResource) -> None:
        """Give the role its policies; a role whose policies fail is not left behind."""
        try:
            for arn in made.properties.get("ManagedPolicyArns", []):
                self._iam.attach_role_policy(RoleName=made.physical_id, PolicyArn=arn)
            for policy in made.properties.get("Policies", []):
                put_policy(self._iam, made.physical_id, policy)
        except ClientError:
            self.delete(made)
            raise

    def update(self, made: MadeResource, properties: Mapping[str, Any]) -> MadeResource:
        changed = {
            key
            for key in {*made.properties, *properties}
            if made.properties.get(key) != properties.get(key)
        }
        if not changed <= self._CHANGEABLE:
            named = ", ".join(sorted(changed - self._CHANGEABLE))
            raise TemplateError(f"The sandbox cannot change {named} of a role")
        self._iam.update_assume_role_policy(
            RoleName=made.physical_id,
            PolicyDocument=json.dumps(properties["AssumeRolePolicyDocument"]),
        )
        self._iam.update_role(
            RoleName=made.physical_id,
            Description=properties.get("Description", ""),
            MaxSessionDuration=int(properties.get("MaxSessionDuration", 3600)),
        )
        return replace(made, properties=properties)

    def delete(self, made: MadeResource) -> None:
        name = made.physical_id
        attached = _unless_gone(self._iam.list_attached_role_policies, RoleName=name)
        if attached is None:
            return
        for policy in attached["AttachedPolicies"]:
            self._iam.detach_role_policy(RoleName=name, PolicyArn=policy["PolicyArn"])
        for policy_name in self._iam.list_role_policies(RoleName=name)["PolicyNames"]:
            self._iam.delete_role_policy(RoleName=name, PolicyName=policy_name)
        self._iam.delete_role(RoleName=name)


class Policies:
    """AWS::IAM::Policy."""

    _KNOWN = frozenset({"PolicyDocument", "PolicyName", "Roles"})

    def __init__(self, iam: Any, stack: StackIdentity) -> None:
        self._iam = iam
        self._stack = stack

    def create(self, resource: Resource, properties: Mapping[str, Any]) -> MadeResource:
        _check(resource, properties, known=self._KNOWN, required=["PolicyName", "PolicyDocument"])
        if not properties.get("Roles", []):
            raise TemplateError(f"{resource.logical_id} must name at least one role")
        self._put(properties)
        return MadeResource(
            logical_id=resource.logical_id,
            type=resource.type,
            physical_id=f"{self._stack.name}-{properties['PolicyName']}",
            properties=properties,
        )

    def _put(self, properties: Mapping[str, Any]) -> None:
        for role in properties["Roles"]:
            put_policy(self._iam, role, properties)

    def update(self, made: MadeResource, properties: Mapping[str, Any]) -> MadeResource:
        self._put(properties)
        if made.properties["PolicyName"] != properties["PolicyName"]:
            self.delete(made)
        return replace(made, properties=properties)

    def delete(self, made: MadeResource) -> None:
        for role in made.properties["Roles"]:
            _unless_gone(
                self._iam.delete_role_policy,
                RoleName=role,
                PolicyName=made.properties["PolicyName"],
            )


class Customs:
    """Custom::* and AWS::CloudFormation::CustomResource."""

    def __init__(self, custom: CustomResources, stack: StackIdentity) -> None:
        self._custom = custom
        self._stack = stack

    def create(self, resource: Resource, properties: Mapping[str, Any]) -> MadeResource:
        if TOPIC.fullmatch(str(properties.get("ServiceToken"))) is None:
            raise TemplateError(f"{resource.logical_id} needs the ARN of an SNS topic")
        made = MadeResource(resource.logical_id, resource.type, "", properties=properties)
        try:
            answer = self._custom.ask(self._request("Create", made))
        except CustomResourceError as error:
            # What failed under a name is deleted under that name.
            name = error.physical_id or generated_name(self._stack, resource.logical_id)
            raise FailedResourceError(replace(made, physical_id=name), str(error)) from error
        return replace(made, physical_id=answer.physical_id, attributes=answer.data)

    def update(self, made: MadeResource, properties: Mapping[str, Any]) -> MadeResource:
        if made.properties == properties:
            return made
        changed = replace(made, properties=properties)
        request = self._request("Update", changed)
        try:
            answer = self._custom.ask(replace(request, old_properties=made.properties))
        except CustomResourceError as error:
            # Changed or not: rolling back asks for what it was.
            raise FailedResourceError(changed, str(error)) from error
        if answer.physical_id != made.physical_id:
            # Another name is another resource, and the old one goes.
            self.delete(made)
        return replace(changed, physical_id=answer.physical_id, attributes=answer.data)

    def delete(self, made: MadeResource) -> None:
        answer = self._custom.ask(self._request("Delete", made))
        if answer.physical_id != made.physical_id:
            raise TemplateError(f"{made.logical_id}: Invalid PhysicalResourceId")

    def _request(self, kind: str, made: MadeResource) -> Request:
        return Request(
            kind=kind,
            stack_id=self._stack.stack_id,
            logical_id=made.logical_id,
            resource_type=made.type,
            properties=made.properties,
            physical_id=made.physical_id or None,
        )


def put_policy(iam: Any, role: str, policy: Mapping[str, Any]) -> None:
    """An inline policy of a role."""
    iam.put_role_policy(
        RoleName=role,
        PolicyName=policy["PolicyName"],
        PolicyDocument=json.dumps(policy["PolicyDocument"]),
    )


def generated_name(stack: StackIdentity, logical_id: str) -> str:
    """A name as CloudFormation makes them up."""
    return f"{stack.name}-{logical_id}"[:51] + f"-{secrets.token_hex(6).upper()}"


def _check(
    resource: Resource,
    properties: Mapping[str, Any],
    *,
    known: frozenset[str],
    required: list[str],
) -> None:
    unknown = sorted(set(properties) - known)
    if unknown:
        raise TemplateError(f"The sandbox does not know {', '.join(unknown)} of {resource.type}")
    for name in required:
        if name not in properties:
            raise TemplateError(f"{resource.logical_id} lacks {name}")


def _unless_gone(call: Callable[..., Any], **parameters: str) -> Any:
    """None if what the call is about does not exist any more, which suits a deletion."""
    try:
        return call(**parameters)
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchEntity":
            raise
        return None
