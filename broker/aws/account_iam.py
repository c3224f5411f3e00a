"""The customer's IAM, as the management role may see and change it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, TypeVar, assert_never

from botocore.exceptions import ClientError

from broker.aws.errors import code_of, log_refusal, translated
from broker.domain.iam_documents import Document, compact
from broker.domain.lifecycle import has_tags
from broker.domain.observed import Observed, ObservedProvider, ObservedRole
from broker.domain.role_plan import ProviderSpec, Wanted
from broker.domain.steps import (
    AddClientId,
    AttachPolicy,
    CreateProvider,
    CreateRole,
    DeleteInlinePolicy,
    DeleteProvider,
    DeleteRole,
    DetachPolicy,
    PolicyStep,
    ProviderStep,
    PutInlinePolicy,
    RemoveClientId,
    RoleStep,
    SetBoundary,
    SetLongestSession,
    SetThumbprints,
    SetTrustPolicy,
    Step,
    TagProvider,
    TagRole,
    describe,
)

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient
    from mypy_boto3_iam.type_defs import TagTypeDef

T = TypeVar("T")


class IamOfAccount:
    """What the lifecycle reads and does in one account. Each step may be repeated."""

    def __init__(self, client: IAMClient) -> None:
        self._iam = client

    def observe(self, wanted: Wanted) -> Observed:
        """What stands there of what is wanted, and what is left over of ours."""
        with translated(
            "reading IAM",
            refused="The management role may not read what it must. Update the stack.",
        ):
            return Observed(
                provider=_unless_missing(self._provider, wanted.provider.arn),
                roles={role.name: _unless_missing(self._role, role.name) for role in wanted.roles},
                leftover_roles=self._leftover_roles(wanted),
                leftover_providers=self._leftover_providers(wanted.provider),
            )

    def _provider(self, arn: str) -> ObservedProvider:
        found = self._iam.get_open_id_connect_provider(OpenIDConnectProviderArn=arn)
        return ObservedProvider(
            client_ids=frozenset(found["ClientIDList"]),
            thumbprints=frozenset(found["ThumbprintList"]),
            tags=_read_tags(found.get("Tags", [])),
        )

    def _role(self, name: str) -> ObservedRole:
        role = self._iam.get_role(RoleName=name)["Role"]
        boundary = role.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn")
        return ObservedRole(
            boundary=boundary,
            managed_policies=frozenset(self._attached(name)),
            inline_policies={policy: self._inline(name, policy) for policy in self._names(name)},
            trust=_document(role.get("AssumeRolePolicyDocument", {})),
            longest_session=timedelta(seconds=role.get("MaxSessionDuration", 3600)),
            tags=_read_tags(role.get("Tags", [])),
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

    def _leftover_roles(self, wanted: Wanted) -> dict[str, ObservedRole]:
        """Roles with our names and our tag that nothing wants; ListRoles gives no tags."""
        known = {role.name for role in wanted.roles}
        pages = self._iam.get_paginator("list_roles").paginate()
        names = [
            role["RoleName"]
            for page in pages
            for role in page["Roles"]
            if role["RoleName"].startswith(wanted.role_names) and role["RoleName"] not in known
        ]
        found = {name: _unless_missing(self._role, name) for name in names}
        return {
            name: role
            for name, role in found.items()
            if role is not None and has_tags(role.tags, wanted.provider.tags)
        }

    def _leftover_providers(self, wanted: ProviderSpec) -> tuple[str, ...]:
        """Providers of this broker's issuers, by host and path, other than the wanted one."""
        ours = wanted.arn.rpartition("/")[0] + "/"
        listed = self._iam.list_open_id_connect_providers()["OpenIDConnectProviderList"]
        arns = [provider["Arn"] for provider in listed]
        return tuple(arn for arn in arns if arn.startswith(ours) and arn != wanted.arn)

    def policy_documents(self, arns: Iterable[str]) -> dict[str, Document | None]:
        """The default version of each managed policy; None for one that is kept from us.

        The management role may read AWS's own policies, and none that the customer wrote.
        """
        with translated(
            "reading managed policies", refused="AWS refuses to show the managed policies."
        ):
            return {arn: self._policy_document(arn) for arn in sorted(arns)}

    def _policy_document(self, arn: str) -> Document | None:
        try:
            version = self._iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
            found = self._iam.get_policy_version(PolicyArn=arn, VersionId=version)
        except ClientError as e:
            if code_of(e) not in ("AccessDenied", "NoSuchEntity"):
                raise
            log_refusal("reading a managed policy", e)
            return None
        return _document(found["PolicyVersion"]["Document"])

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
            case (
                CreateProvider()
                | AddClientId()
                | RemoveClientId()
                | SetThumbprints()
                | TagProvider()
                | DeleteProvider()
            ):
                self._do_to_provider(step)
            case PutInlinePolicy() | DeleteInlinePolicy() | AttachPolicy() | DetachPolicy():
                self._do_to_policies(step)
            case _:
                self._do_to_role(step)

    def _do_to_provider(self, step: ProviderStep) -> None:
        match step:
            case CreateProvider(provider=provider):
                self._create_provider(provider)
            case AddClientId(provider_arn=arn, client_id=client_id):
                self._iam.add_client_id_to_open_id_connect_provider(
                    OpenIDConnectProviderArn=arn, ClientID=client_id
                )
            case RemoveClientId(provider_arn=arn, client_id=client_id):
                self._iam.remove_client_id_from_open_id_connect_provider(
                    OpenIDConnectProviderArn=arn, ClientID=client_id
                )
            case SetThumbprints(provider_arn=arn, thumbprints=thumbprints):
                self._iam.update_open_id_connect_provider_thumbprint(
                    OpenIDConnectProviderArn=arn, ThumbprintList=sorted(thumbprints)
                )
            case TagProvider(provider_arn=arn, tags=tags):
                self._iam.tag_open_id_connect_provider(
                    OpenIDConnectProviderArn=arn, Tags=_written_tags(tags)
                )
            case DeleteProvider(provider_arn=arn):
                self._iam.delete_open_id_connect_provider(OpenIDConnectProviderArn=arn)
            case _:
                assert_never(step)

    def _create_provider(self, provider: ProviderSpec) -> None:
        # Without thumbprints IAM trusts its own roots and notes the one that it finds.
        thumbprints = {"ThumbprintList": sorted(provider.thumbprints)}
        self._iam.create_open_id_connect_provider(
            Url=provider.url,
            ClientIDList=sorted(provider.client_ids),
            Tags=_written_tags(provider.tags),
            **(thumbprints if provider.thumbprints else {}),
        )

    def _do_to_role(self, step: RoleStep) -> None:
        match step:
            case CreateRole(role=role):
                self._iam.create_role(
                    RoleName=role.name,
                    Description=role.description,
                    AssumeRolePolicyDocument=compact(role.trust),
                    PermissionsBoundary=role.boundary,
                    MaxSessionDuration=_seconds(role.longest_session),
                    Tags=_written_tags(role.tags),
                )
            case SetBoundary(role_name=name, boundary=boundary):
                self._iam.put_role_permissions_boundary(RoleName=name, PermissionsBoundary=boundary)
            case SetTrustPolicy(role_name=name, trust=trust):
                self._iam.update_assume_role_policy(RoleName=name, PolicyDocument=compact(trust))
            case SetLongestSession(role_name=name):
                self._iam.update_role(
                    RoleName=name,
                    Description=step.description,
                    MaxSessionDuration=_seconds(step.longest_session),
                )
            case TagRole(role_name=name, tags=tags):
                self._iam.tag_role(RoleName=name, Tags=_written_tags(tags))
            case DeleteRole(role_name=name):
                self._iam.delete_role(RoleName=name)
            case _:
                assert_never(step)

    def _do_to_policies(self, step: PolicyStep) -> None:
        name = step.role_name
        match step:
            case PutInlinePolicy(policy_name=policy, document=document):
                self._iam.put_role_policy(
                    RoleName=name, PolicyName=policy, PolicyDocument=compact(document)
                )
            case DeleteInlinePolicy(policy_name=policy):
                self._iam.delete_role_policy(RoleName=name, PolicyName=policy)
            case AttachPolicy(policy_arn=arn):
                self._iam.attach_role_policy(RoleName=name, PolicyArn=arn)
            case DetachPolicy(policy_arn=arn):
                self._iam.detach_role_policy(RoleName=name, PolicyArn=arn)
            case _:
                assert_never(step)


def _was_done_already(step: Step, code: str) -> bool:
    """Whether AWS's refusal says that the step is done: a crash may come before its entry."""
    match step:
        case CreateProvider() | CreateRole():
            return code == "EntityAlreadyExists"
        case (
            RemoveClientId()
            | DeleteInlinePolicy()
            | DetachPolicy()
            | DeleteRole()
            | DeleteProvider()
        ):
            return code == "NoSuchEntity"
        case _:
            return False


def _document(found: Mapping[str, object] | str) -> Document:
    """A policy document as botocore gives it: decoded, or as text where IAM sent it plain."""
    return json.loads(found) if isinstance(found, str) else found


def _unless_missing(read: Callable[[str], T], name: str) -> T | None:
    """What `read` returns for `name`; None where IAM says that there is no such thing."""
    try:
        return read(name)
    except ClientError as e:
        if code_of(e) != "NoSuchEntity":
            raise
        return None


def _read_tags(found: Sequence[TagTypeDef]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in found}


def _written_tags(tags: Mapping[str, str]) -> list[TagTypeDef]:
    return [{"Key": key, "Value": value} for key, value in sorted(tags.items())]


def _seconds(duration: timedelta) -> int:
    return int(duration.total_seconds())
