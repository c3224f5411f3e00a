"""The permissions of STS's operations on the caller's side; trust is the role's own matter."""

from __future__ import annotations

from collections.abc import Sequence

from broker.sandbox.calls.operations import Operation
from broker.sandbox.needs.types import Need, request_tags
from broker.sandbox.state.iam_directory import IamDirectory

# AWS answers these to everybody: a token or a trust policy decides, or nothing needs deciding.
_OPEN = frozenset({"AssumeRoleWithWebIdentity", "GetCallerIdentity", "GetSessionToken"})


def sts_needs(operation: Operation, caller_arn: str, directory: IamDirectory) -> Sequence[Need]:
    """For AssumeRole also the right to tag the session and to set its source identity."""
    del caller_arn, directory
    if operation.name in _OPEN:
        return []
    if operation.name != "AssumeRole":
        return [Need(f"sts:{operation.name}", None)]
    role_arn = operation.text("RoleArn")
    context = assume_role_context(operation)
    return [Need(action, role_arn, context) for action in assume_role_actions(operation)]


def assume_role_actions(operation: Operation) -> list[str]:
    """Each of them must be allowed by the caller's policies and by the role's trust policy."""
    actions = ["sts:AssumeRole"]
    if operation.tags():
        actions.append("sts:TagSession")
    if operation.text("SourceIdentity"):
        actions.append("sts:SetSourceIdentity")
    return actions


_CONTEXT_PARAMETERS = {
    "ExternalId": "sts:ExternalId",
    "RoleSessionName": "sts:RoleSessionName",
    "SourceIdentity": "sts:SourceIdentity",
}


def assume_role_context(operation: Operation) -> dict[str, str | Sequence[str]]:
    """The condition keys that the parameters of AssumeRole give."""
    context: dict[str, str | Sequence[str]] = request_tags(operation.tags())
    for parameter, key in _CONTEXT_PARAMETERS.items():
        if value := operation.text(parameter):
            context[key] = value
    transitive = operation.texts("TransitiveTagKeys")
    if transitive:
        context["sts:TransitiveTagKeys"] = transitive
    return context
