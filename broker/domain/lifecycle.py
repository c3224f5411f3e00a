"""From what is found in an account to what is wanted: the steps between, as plain values.

`plan` is pure. Each step is idempotent and says why it is needed, so a plan can be printed before
anything is done, and resumed after a crash by planning again.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from broker.domain.iam_documents import Document
from broker.domain.role_plan import ProviderSpec, RoleSpec, Wanted


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservedProvider:
    """The identity provider as found."""

    client_ids: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservedRole:
    """A role as found."""

    boundary: str | None
    managed_policies: frozenset[str]
    inline_policies: Mapping[str, Document]
    trust: Document
    longest_session: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """What was found in one account; what is missing is None."""

    provider: ObservedProvider | None
    roles: Mapping[str, ObservedRole | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CreateProvider:
    """CreateOpenIDConnectProvider."""

    provider: ProviderSpec
    why: str


@dataclass(frozen=True, slots=True)
class AddClientId:
    """AddClientIDToOpenIDConnectProvider."""

    provider: ProviderSpec
    client_id: str
    why: str


@dataclass(frozen=True, slots=True)
class RemoveClientId:
    """RemoveClientIDFromOpenIDConnectProvider."""

    provider: ProviderSpec
    client_id: str
    why: str


@dataclass(frozen=True, slots=True)
class CreateRole:
    """CreateRole with its trust policy, boundary, maximum duration and tags."""

    role: RoleSpec
    why: str


@dataclass(frozen=True, slots=True)
class SetBoundary:
    """PutRolePermissionsBoundary."""

    role: RoleSpec
    why: str


@dataclass(frozen=True, slots=True)
class SetTrustPolicy:
    """UpdateAssumeRolePolicy."""

    role: RoleSpec
    why: str


@dataclass(frozen=True, slots=True)
class SetLongestSession:
    """UpdateRole."""

    role: RoleSpec
    why: str


@dataclass(frozen=True, slots=True)
class PutInlinePolicy:
    """PutRolePolicy."""

    role: RoleSpec
    policy_name: str
    why: str


@dataclass(frozen=True, slots=True)
class DeleteInlinePolicy:
    """DeleteRolePolicy."""

    role: RoleSpec
    policy_name: str
    why: str


@dataclass(frozen=True, slots=True)
class AttachPolicy:
    """AttachRolePolicy."""

    role: RoleSpec
    policy_arn: str
    why: str


@dataclass(frozen=True, slots=True)
class DetachPolicy:
    """DetachRolePolicy."""

    role: RoleSpec
    policy_arn: str
    why: str


ProviderStep = CreateProvider | AddClientId | RemoveClientId
RoleStep = (
    CreateRole
    | SetBoundary
    | SetTrustPolicy
    | SetLongestSession
    | PutInlinePolicy
    | DeleteInlinePolicy
    | AttachPolicy
    | DetachPolicy
)
Step = ProviderStep | RoleStep


def plan(wanted: Wanted, observed: Observed) -> tuple[Step, ...]:
    """The steps from `observed` to `wanted`, in the order in which they are safe.

    The provider comes first because trust policies name it; a role's boundary before anything
    else is changed in it, since the management role may touch only bounded roles; a Deny before
    the Allow that it cuts.
    """
    steps: list[Step] = [*_provider_steps(wanted.provider, observed.provider)]
    for role in wanted.roles:
        steps.extend(_role_steps(role, observed.roles.get(role.name)))
    return tuple(steps)


def _provider_steps(
    wanted: ProviderSpec, observed: ObservedProvider | None
) -> Iterator[ProviderStep]:
    if observed is None:
        yield CreateProvider(wanted, "the identity provider is missing")
        return
    for client_id in sorted(wanted.client_ids - observed.client_ids):
        yield AddClientId(wanted, client_id, "AWS would refuse our audience")
    for client_id in sorted(observed.client_ids - wanted.client_ids):
        yield RemoveClientId(wanted, client_id, "a client id that is not ours was added")


def _role_steps(wanted: RoleSpec, observed: ObservedRole | None) -> Iterator[RoleStep]:
    if observed is None:
        yield CreateRole(wanted, "the role is missing")
        found = ObservedRole(
            boundary=wanted.boundary,
            managed_policies=frozenset(),
            inline_policies={},
            trust=wanted.trust,
            longest_session=wanted.longest_session,
        )
    else:
        found = observed
    yield from _limit_steps(wanted, found)
    yield from _policy_steps(wanted, found)


def _limit_steps(wanted: RoleSpec, found: ObservedRole) -> Iterator[RoleStep]:
    if found.boundary != wanted.boundary:
        yield SetBoundary(wanted, "the permissions boundary was removed or changed")
    if not same_document(found.trust, wanted.trust):
        yield SetTrustPolicy(wanted, "the trust policy is not ours")
    if found.longest_session != wanted.longest_session:
        yield SetLongestSession(wanted, "the maximum session duration differs")


def _policy_steps(wanted: RoleSpec, found: ObservedRole) -> Iterator[RoleStep]:
    for arn in sorted(found.managed_policies - wanted.managed_policies):
        yield DetachPolicy(wanted, arn, "a policy that is not ours was attached")
    for name in sorted(set(found.inline_policies) - set(wanted.inline_policies)):
        yield DeleteInlinePolicy(wanted, name, "an inline policy that is not ours was added")
    for name, document in sorted(wanted.inline_policies.items()):
        present = found.inline_policies.get(name)
        if present is None:
            yield PutInlinePolicy(wanted, name, "the inline policy is missing")
        elif not same_document(present, document):
            yield PutInlinePolicy(wanted, name, "the inline policy was edited")
    for arn in sorted(wanted.managed_policies - found.managed_policies):
        yield AttachPolicy(wanted, arn, "the policy is not attached")


def same_document(one: Document, other: Document) -> bool:
    """Whether two policy documents say the same, however IAM chose to give them back.

    IAM may unwrap a list of one and reorder lists; neither changes what a policy says.
    """
    return _canonical(one) == _canonical(other)


def _canonical(value: object) -> str:
    return _text(_sorted_lists(value))


def _text(value: object) -> str:
    return json.dumps(value, sort_keys=True)


def _sorted_lists(value: object) -> object:
    if isinstance(value, Mapping):
        return {key: _sorted_lists(member) for key, member in value.items()}
    if isinstance(value, list | tuple):
        members = sorted((_sorted_lists(member) for member in value), key=_text)
        return members[0] if len(members) == 1 else members
    return value


def describe(step: Step) -> str:
    """One line for people: what the step does to what."""
    name = type(step).__name__
    match step:
        case CreateProvider():
            return f"{name} {step.provider.url}"
        case AddClientId() | RemoveClientId():
            return f"{name} {step.client_id}"
        case PutInlinePolicy() | DeleteInlinePolicy():
            return f"{name} {step.role.name} {step.policy_name}"
        case AttachPolicy() | DetachPolicy():
            return f"{name} {step.role.name} {step.policy_arn.rsplit('/', 1)[1]}"
        case _:
            return f"{name} {step.role.name}"
