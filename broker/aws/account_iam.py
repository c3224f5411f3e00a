"""The customer's IAM, as the management role may see and change it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, assert_never

from botocore.exceptions import ClientError

from broker.aws.errors import code_of, translated
from broker.domain.iam_documents import Document, compact
from broker.domain.lifecycle import (
    AddClientId,
    AttachPolicy,
    CreateProvider,
    CreateRole,
    DeleteInlinePolicy,
    DetachPolicy,
    Observed,
    ObservedProvider,
    ObservedRole,
    PutInlinePolicy,
    RemoveClientId,
    SetBoundary,
    SetLongestSession,
    SetTrustPolicy,
    Step,
    describe,
)
from broker.domain.role_plan import Wanted

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient


class IamOfAccount:
    """What the lifecycle reads and does in one account. Each step may be repeated."""

    def __init__(self, client: IAMClient) -> None:
        self._iam = client

    def observe(self, wanted: Wanted) -> Observed:
        """What stands there of what is wanted."""
        with translated(
            "reading IAM",
            refused="The management role may not read what it must. Update the stack.",
        ):
            return Observed(
                provider=self._provider(wanted.provider.arn),
                roles={role.name: self._role(role.name) for role in wanted.roles},
            )

    def _provider(self, arn: str) -> ObservedProvider | None:
        try:
            found = self._iam.get_open_id_connect_provider(OpenIDConnectProviderArn=arn)
        except ClientError as e:
            if code_of(e) != "NoSuchEntity":
                raise
            return None
        return ObservedProvider(client_ids=frozenset(found["ClientIDList"]))

    def _role(self, name: str) -> ObservedRole | None:
        try:
            role = self._iam.get_role(RoleName=name)["Role"]
        except ClientError as e:
            if code_of(e) != "NoSuchEntity":
                raise
            return None
        boundary = role.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn")
        return ObservedRole(
            boundary=boundary,
            managed_policies=frozenset(self._attached(name)),
            inline_policies={policy: self._inline(name, policy) for policy in self._names(name)},
            trust=_document(role.get("AssumeRolePolicyDocument", {})),
            longest_session=timedelta(seconds=role.get("MaxSessionDuration", 3600)),
        )

    def _attached(self, role: str) -> list[str]:
        pages = self._iam.get_paginator("list_attached_role_policies").paginate(RoleName=role)
        return [policy["PolicyArn"] for page in pages for policy in page["AttachedPolicies"]]

    def _names(self, role: str) -> list[str]:
        pages = self._iam.get_paginator("list_role_policies").paginate(RoleName=role)
        return [name for page in pages for name in page["PolicyNames"]]

    def _inline(self, role: str, policy: str) -> Document:
        found = self._iam.get_role_policy(RoleName=role, PolicyName=policy)
        return _document(found["PolicyDocument"])

    def apply(self, step: Step) -> None:
        """Do one step; one that was done already succeeds again."""
        with translated(
            describe(step),
            refused="The management role may not do what is needed. Update the stack.",
        ):
            try:
                self._do(step)
            except ClientError as e:
                if not _was_done_already(step, code_of(e)):
                    raise

    def _do(self, step: Step) -> None:
        match step:
            case CreateProvider() | AddClientId() | RemoveClientId():
                self._do_to_provider(step)
            case PutInlinePolicy() | DeleteInlinePolicy() | AttachPolicy() | DetachPolicy():
                self._do_to_policies(step)
            case CreateRole() | SetBoundary() | SetTrustPolicy() | SetLongestSession():
                self._do_to_role(step)
            case _:
                assert_never(step)

    def _do_to_provider(self, step: CreateProvider | AddClientId | RemoveClientId) -> None:
        arn = step.provider.arn
        match step:
            case CreateProvider(provider):
                self._iam.create_open_id_connect_provider(
                    Url=provider.url,
                    ClientIDList=sorted(provider.client_ids),
                    Tags=[{"Key": key, "Value": value} for key, value in provider.tags.items()],
                )
            case AddClientId(_, client_id):
                self._iam.add_client_id_to_open_id_connect_provider(
                    OpenIDConnectProviderArn=arn, ClientID=client_id
                )
            case RemoveClientId(_, client_id):
                self._iam.remove_client_id_from_open_id_connect_provider(
                    OpenIDConnectProviderArn=arn, ClientID=client_id
                )

    def _do_to_role(
        self, step: CreateRole | SetBoundary | SetTrustPolicy | SetLongestSession
    ) -> None:
        role = step.role
        seconds = int(role.longest_session.total_seconds())
        match step:
            case CreateRole():
                self._iam.create_role(
                    RoleName=role.name,
                    Description=role.description,
                    AssumeRolePolicyDocument=compact(role.trust),
                    PermissionsBoundary=role.boundary,
                    MaxSessionDuration=seconds,
                    Tags=[{"Key": key, "Value": value} for key, value in role.tags.items()],
                )
            case SetBoundary():
                self._iam.put_role_permissions_boundary(
                    RoleName=role.name, PermissionsBoundary=role.boundary
                )
            case SetTrustPolicy():
                self._iam.update_assume_role_policy(
                    RoleName=role.name, PolicyDocument=compact(role.trust)
                )
            case SetLongestSession():
                self._iam.update_role(
                    RoleName=role.name, Description=role.description, MaxSessionDuration=seconds
                )

    def _do_to_policies(
        self, step: PutInlinePolicy | DeleteInlinePolicy | AttachPolicy | DetachPolicy
    ) -> None:
        name = step.role.name
        match step:
            case PutInlinePolicy(role, policy_name):
                document = compact(role.inline_policies[policy_name])
                self._iam.put_role_policy(
                    RoleName=name, PolicyName=policy_name, PolicyDocument=document
                )
            case DeleteInlinePolicy(_, policy_name):
                self._iam.delete_role_policy(RoleName=name, PolicyName=policy_name)
            case AttachPolicy(_, policy_arn):
                self._iam.attach_role_policy(RoleName=name, PolicyArn=policy_arn)
            case DetachPolicy(_, policy_arn):
                self._iam.detach_role_policy(RoleName=name, PolicyArn=policy_arn)


def _was_done_already(step: Step, code: str) -> bool:
    """Whether AWS's refusal says that the step is done: a crash may come before its entry."""
    match step:
        case CreateProvider() | CreateRole():
            return code == "EntityAlreadyExists"
        case RemoveClientId() | DeleteInlinePolicy() | DetachPolicy():
            return code == "NoSuchEntity"
        case _:
            return False


def _document(found: Mapping[str, object] | str) -> Document:
    """A policy document as botocore gives it: decoded, or as text where IAM sent it plain."""
    return json.loads(found) if isinstance(found, str) else found
