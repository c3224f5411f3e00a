"""The permissions of IAM's operations.

Source: service authorization reference, "Actions, resources, and condition keys for AWS
Identity and Access Management".
"""

from __future__ import annotations

from collections.abc import Sequence

from broker.sandbox.calls.operations import Operation
from broker.sandbox.issuers.issuer_url import IssuerUrl
from broker.sandbox.needs.types import Need, request_tags, resource_tags
from broker.sandbox.state.iam_directory import IamDirectory, tags_of

_ON_ROLE = frozenset(
    {
        "AttachRolePolicy",
        "CreateRole",
        "DeleteRole",
        "DeleteRolePermissionsBoundary",
        "DeleteRolePolicy",
        "DetachRolePolicy",
        "GetRole",
        "GetRolePolicy",
        "ListAttachedRolePolicies",
        "ListRolePolicies",
        "ListRoleTags",
        "PutRolePermissionsBoundary",
        "PutRolePolicy",
        "TagRole",
        "UntagRole",
        "UpdateAssumeRolePolicy",
        "UpdateRole",
        "UpdateRoleDescription",
    }
)
_ON_USER = frozenset(
    {
        "AttachUserPolicy",
        "CreateAccessKey",
        "CreateLoginProfile",
        "CreateUser",
        "DeleteAccessKey",
        "DeleteLoginProfile",
        "DeleteUser",
        "DeleteUserPolicy",
        "DetachUserPolicy",
        "GetLoginProfile",
        "GetUser",
        "GetUserPolicy",
        "ListAccessKeys",
        "ListAttachedUserPolicies",
        "ListGroupsForUser",
        "ListUserPolicies",
        "ListUserTags",
        "PutUserPolicy",
        "TagUser",
        "UntagUser",
        "UpdateAccessKey",
        "UpdateLoginProfile",
    }
)
_ON_POLICY = frozenset(
    {
        "CreatePolicyVersion",
        "DeletePolicy",
        "DeletePolicyVersion",
        "GetPolicy",
        "GetPolicyVersion",
        "ListEntitiesForPolicy",
        "ListPolicyTags",
        "ListPolicyVersions",
        "SetDefaultPolicyVersion",
        "TagPolicy",
        "UntagPolicy",
    }
)
_ON_PROVIDER = frozenset(
    {
        "AddClientIDToOpenIDConnectProvider",
        "CreateOpenIDConnectProvider",
        "DeleteOpenIDConnectProvider",
        "GetOpenIDConnectProvider",
        "ListOpenIDConnectProviderTags",
        "RemoveClientIDFromOpenIDConnectProvider",
        "TagOpenIDConnectProvider",
        "UntagOpenIDConnectProvider",
        "UpdateOpenIDConnectProviderThumbprint",
    }
)
# What the list of a whole kind is asked on.
_LISTS = {
    "ListGroups": "group/",
    "ListInstanceProfiles": "instance-profile/",
    "ListRoles": "role/",
    "ListUsers": "user/",
}
_WITHOUT_RESOURCE = frozenset(
    {
        "GetAccountPasswordPolicy",
        "GetAccountSummary",
        "GetCredentialReport",
        "ListAccountAliases",
        "ListOpenIDConnectProviders",
        "ListPolicies",
        "ListSAMLProviders",
    }
)

_BOUNDARY_FROM_REQUEST = frozenset({"CreateRole", "PutRolePermissionsBoundary"})
_BOUNDARY_OF_ROLE = frozenset(
    {
        "AttachRolePolicy",
        "DeleteRole",
        "DeleteRolePermissionsBoundary",
        "DeleteRolePolicy",
        "DetachRolePolicy",
        "PutRolePolicy",
        "UpdateAssumeRolePolicy",
        "UpdateRole",
    }
)
_KNOW_POLICY_ARN = frozenset({"AttachRolePolicy", "DetachRolePolicy"})
_TAGGING = {
    "CreateRole": "TagRole",
    "CreateUser": "TagUser",
    "CreatePolicy": "TagPolicy",
    "CreateOpenIDConnectProvider": "TagOpenIDConnectProvider",
}


def iam_needs(operation: Operation, caller_arn: str, directory: IamDirectory) -> Sequence[Need]:
    """The operation itself, and the right to tag where it creates something with tags."""
    name = operation.name or ""
    tags = operation.tags()
    tag_keys = operation.texts("TagKeys")
    context = request_tags(tags) | ({"aws:TagKeys": tag_keys} if tag_keys else {})
    resource = _resource(operation, caller_arn)
    if name in _ON_ROLE:
        resource, state = _role(operation, directory)
        context |= state
    needs = [Need(f"iam:{name}", resource, context)]
    if tags and name in _TAGGING:
        needs.append(Need(f"iam:{_TAGGING[name]}", resource, request_tags(tags)))
    return needs


def _role(
    operation: Operation, directory: IamDirectory
) -> tuple[str, dict[str, str | Sequence[str]]]:
    """The role's ARN, and the condition keys that its present state and the request give."""
    name = operation.name or ""
    context: dict[str, str | Sequence[str]] = {}
    role_name = operation.text("RoleName") or ""
    role = directory.role_named(operation.account_id, operation.partition, role_name)
    boundary = operation.text("PermissionsBoundary")
    if name in _BOUNDARY_OF_ROLE:
        boundary = role.permissions_boundary_arn if role else None
    if boundary and name in _BOUNDARY_FROM_REQUEST | _BOUNDARY_OF_ROLE:
        context["iam:PermissionsBoundary"] = boundary
    policy_arn = operation.text("PolicyArn")
    if policy_arn and name in _KNOW_POLICY_ARN:
        context["iam:PolicyARN"] = policy_arn
    if role is None or name == "CreateRole":
        path = operation.text("Path") or "/"
        return _arn(operation, f"role{path}{role_name}"), context
    tags = tags_of(role)
    context |= resource_tags(tags) | {f"iam:ResourceTag/{key}": tags[key] for key in tags}
    return role.arn, context


def _resource(operation: Operation, caller_arn: str) -> str | None:
    name = operation.name or ""
    if name in _ON_USER:
        user = operation.text("UserName")
        path = operation.text("Path") or "/"
        return _arn(operation, f"user{path}{user}") if user else caller_arn
    if name == "CreatePolicy":
        path = operation.text("Path") or "/"
        return _arn(operation, f"policy{path}{operation.text('PolicyName')}")
    if name in _ON_POLICY:
        return operation.text("PolicyArn")
    if name == "CreateOpenIDConnectProvider":
        return _new_provider(operation)
    if name in _ON_PROVIDER:
        return operation.text("OpenIDConnectProviderArn")
    if name in _LISTS:
        return _arn(operation, _LISTS[name])
    return "*" if name in _WITHOUT_RESOURCE else None


def _new_provider(operation: Operation) -> str | None:
    try:
        issuer = IssuerUrl.parse(operation.text("Url") or "")
    except ValueError:
        return None
    return _arn(operation, f"oidc-provider/{issuer.name}")


def _arn(operation: Operation, resource: str) -> str:
    return f"arn:{operation.partition}:iam::{operation.account_id}:{resource}"
