"""What IAM checks when roles are written and moto does not: quotas, durations, documents."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any, Final

from moto.iam.exceptions import (
    LimitExceededException,
    MalformedPolicyDocument,
    NotFoundException,
    ValidationError,
)
from moto.iam.models import IAMBackend, Role
from moto.iam.responses import IamResponse

from broker.sandbox.policy.evaluation import PolicyDocument, PolicyError, PolicyKind

MAX_TRUST_POLICY: Final = 2048
MAX_INLINE_POLICIES: Final = 10240
MAX_MANAGED_POLICIES: Final = 10
SESSION_DURATIONS: Final = range(3600, 43200 + 1)


def install() -> None:
    """Put the checks before moto's own operations, in this process."""
    for operation, check in _CHECKS.items():
        setattr(IamResponse, operation, _preceded(getattr(IamResponse, operation), check))


def _preceded(
    operation: Callable[[IamResponse], Any], check: Callable[[IamResponse], None]
) -> Callable[[IamResponse], Any]:
    def checked(self: IamResponse) -> Any:
        check(self)
        return operation(self)

    return checked


def _check_create_role(call: IamResponse) -> None:
    _check_duration(call)
    _check_trust(_parameter(call, "AssumeRolePolicyDocument"))
    boundary = _parameter(call, "PermissionsBoundary")
    if boundary is not None:
        _check_boundary(call.backend, boundary)


def _check_update_role(call: IamResponse) -> None:
    _check_duration(call)


def _check_trust_update(call: IamResponse) -> None:
    _check_trust(_parameter(call, "PolicyDocument"))


def _check_put_boundary(call: IamResponse) -> None:
    _check_boundary(call.backend, _parameter(call, "PermissionsBoundary"))


def _check_put_role_policy(call: IamResponse) -> None:
    """The quota is for all inline policies of the role together, without white space."""
    document = _parameter(call, "PolicyDocument")
    _check_document(document, PolicyKind.IDENTITY)
    role = _role(call)
    others = {**role.policies, _parameter(call, "PolicyName"): document}
    if sum(_size(text) for text in others.values()) > MAX_INLINE_POLICIES:
        raise LimitExceededException(
            f"Maximum policy size of {MAX_INLINE_POLICIES} bytes exceeded for role {role.name}"
        )


def _check_attach_role_policy(call: IamResponse) -> None:
    attached = set(_role(call).managed_policies) | {_parameter(call, "PolicyArn")}
    if len(attached) > MAX_MANAGED_POLICIES:
        raise LimitExceededException(
            f"Cannot exceed quota for PoliciesPerRole: {MAX_MANAGED_POLICIES}"
        )


def _check_identity_policy(call: IamResponse) -> None:
    _check_document(_parameter(call, "PolicyDocument"), PolicyKind.IDENTITY)


_CHECKS: Final[dict[str, Callable[[IamResponse], None]]] = {
    "attach_role_policy": _check_attach_role_policy,
    "create_policy": _check_identity_policy,
    "create_policy_version": _check_identity_policy,
    "create_role": _check_create_role,
    "put_group_policy": _check_identity_policy,
    "put_role_permissions_boundary": _check_put_boundary,
    "put_role_policy": _check_put_role_policy,
    "put_user_policy": _check_identity_policy,
    "update_assume_role_policy": _check_trust_update,
    "update_role": _check_update_role,
}


def _check_duration(call: IamResponse) -> None:
    duration = int(_parameter(call, "MaxSessionDuration") or SESSION_DURATIONS.start)
    if duration in SESSION_DURATIONS:
        return
    bound, limit = (
        ("less than or equal to", SESSION_DURATIONS.stop - 1)
        if duration > SESSION_DURATIONS.start
        else ("greater than or equal to", SESSION_DURATIONS.start)
    )
    raise ValidationError(
        f"1 validation error detected: Value '{duration}' at 'maxSessionDuration' failed to "
        f"satisfy constraint: Member must have value {bound} {limit}"
    )


_TRUST_ACTIONS: Final = frozenset(
    {
        "sts:AssumeRole",
        "sts:AssumeRoleWithSAML",
        "sts:AssumeRoleWithWebIdentity",
        "sts:SetSourceIdentity",
        "sts:TagSession",
    }
)


def _check_trust(document: str) -> None:
    _check_document(document, PolicyKind.TRUST)
    if _size(document) > MAX_TRUST_POLICY:
        raise LimitExceededException(f"Cannot exceed quota for ACLSizePerRole: {MAX_TRUST_POLICY}")
    # AWS compares these letter for letter when a trust policy is written, and takes no wildcard.
    if not _actions(document) <= _TRUST_ACTIONS:
        raise MalformedPolicyDocument("AssumeRole policy may only specify STS AssumeRole actions.")


def _actions(document: str) -> set[str]:
    """The actions as they are written; NotAction counts as everything."""
    statements = _listed(json.loads(document)["Statement"])
    return {action for each in statements for action in _listed(each.get("Action", "*"))}


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _check_document(document: str, kind: PolicyKind) -> PolicyDocument:
    try:
        return PolicyDocument.loads(document, kind)
    except PolicyError as error:
        raise MalformedPolicyDocument(f"Syntax errors in policy. {error}") from error


def _check_boundary(backend: IAMBackend, arn: str) -> None:
    if arn not in backend.managed_policies:
        raise NotFoundException(f"Scope ARN: {arn} does not exist or is not attachable.")


def _size(document: str) -> int:
    """IAM does not count white space."""
    return len(re.sub(r"\s", "", document))


def _role(call: IamResponse) -> Role:
    """Raises moto's NoSuchEntity."""
    return call.backend.get_role(_parameter(call, "RoleName"))


def _parameter(call: IamResponse, name: str) -> Any:
    return call._get_param(name)  # noqa: SLF001  (moto offers no public reader)
