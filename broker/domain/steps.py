"""The steps that change a customer's account: plain values, each one IAM call, each idempotent.

`why` is the reason as a person reads it in a printed plan and in the ledger.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from broker.domain.iam_documents import Document
from broker.domain.role_plan import ProviderSpec, RoleSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateProvider:
    """CreateOpenIDConnectProvider."""

    provider: ProviderSpec
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AddClientId:
    """AddClientIDToOpenIDConnectProvider."""

    provider_arn: str
    client_id: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveClientId:
    """RemoveClientIDFromOpenIDConnectProvider."""

    provider_arn: str
    client_id: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SetThumbprints:
    """UpdateOpenIDConnectProviderThumbprint."""

    provider_arn: str
    thumbprints: frozenset[str]
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TagProvider:
    """TagOpenIDConnectProvider."""

    provider_arn: str
    tags: Mapping[str, str]
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteProvider:
    """DeleteOpenIDConnectProvider."""

    provider_arn: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateRole:
    """CreateRole with its trust policy, boundary, maximum duration and tags."""

    role: RoleSpec
    why: str

    @property
    def role_name(self) -> str:
        """The role's name, as the other steps have it."""
        return self.role.name


@dataclass(frozen=True, slots=True, kw_only=True)
class SetBoundary:
    """PutRolePermissionsBoundary."""

    role_name: str
    boundary: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SetTrustPolicy:
    """UpdateAssumeRolePolicy."""

    role_name: str
    trust: Document
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SetLongestSession:
    """UpdateRole."""

    role_name: str
    description: str
    longest_session: timedelta
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TagRole:
    """TagRole."""

    role_name: str
    tags: Mapping[str, str]
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PutInlinePolicy:
    """PutRolePolicy."""

    role_name: str
    policy_name: str
    document: Document
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteInlinePolicy:
    """DeleteRolePolicy."""

    role_name: str
    policy_name: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AttachPolicy:
    """AttachRolePolicy."""

    role_name: str
    policy_arn: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DetachPolicy:
    """DetachRolePolicy."""

    role_name: str
    policy_arn: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteRole:
    """DeleteRole."""

    role_name: str
    why: str


ProviderStep = (
    CreateProvider | AddClientId | RemoveClientId | SetThumbprints | TagProvider | DeleteProvider
)
RoleStep = CreateRole | SetBoundary | SetTrustPolicy | SetLongestSession | TagRole | DeleteRole
PolicyStep = PutInlinePolicy | DeleteInlinePolicy | AttachPolicy | DetachPolicy
Step = ProviderStep | RoleStep | PolicyStep


def describe(step: Step) -> str:
    """One line for people: what the step does to what."""
    name = type(step).__name__
    match step:
        case CreateProvider():
            return f"{name} {step.provider.url}"
        case AddClientId() | RemoveClientId():
            return f"{name} {step.client_id}"
        case SetThumbprints() | TagProvider() | DeleteProvider():
            return f"{name} {step.provider_arn.partition('/')[2]}"
        case PutInlinePolicy() | DeleteInlinePolicy():
            return f"{name} {step.role_name} {step.policy_name}"
        case AttachPolicy() | DetachPolicy():
            return f"{name} {step.role_name} {step.policy_arn.rsplit('/', 1)[1]}"
        case _:
            return f"{name} {step.role_name}"
