"""From what is found in an account to what is wanted: the steps between, as plain values.

Every function is pure. A plan can be printed before anything is done, and resumed after a crash
by planning again from what is then found.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from broker.domain.iam_documents import Document, denial
from broker.domain.observed import Observed, ObservedProvider, ObservedRole
from broker.domain.revocations import NOTHING_REVOKED
from broker.domain.role_plan import REVOCATIONS, ProviderSpec, RoleSpec, Wanted
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
)


def plan(wanted: Wanted, observed: Observed) -> tuple[Step, ...]:
    """The steps from `observed` to `wanted`, in the order in which they are safe.

    The provider comes first because trust policies name it; a role's boundary before anything
    else is changed in it, since the management role may touch only bounded roles; a Deny before
    the Allow that it cuts; what nobody wants any more at the end.
    """
    steps: list[Step] = [*_provider_steps(wanted.provider, observed.provider)]
    for role in wanted.roles:
        steps.extend(_role_steps(role, observed.roles.get(role.name)))
    return (*steps, *_leftover_steps(observed, boundary=wanted.roles[0].boundary))


def silencing_plan(wanted: Wanted, observed: Observed) -> tuple[Step, ...]:
    """The steps while the customer's consent is off: end live sessions, and touch nothing else.

    What the customer removed or changed meanwhile is the customer's intent, so it stays.
    """
    steps: list[Step] = []
    for role in wanted.roles:
        found = observed.roles.get(role.name)
        if found is None:
            continue
        document = role.inline_policies[REVOCATIONS]
        if not same_document(found.inline_policies.get(REVOCATIONS, {}), document):
            steps.extend(_bounded(role.name, found, boundary=role.boundary))
            why = "the customer has switched access off"
            steps.append(_put(role.name, REVOCATIONS, document, why))
    return tuple(steps)


def removal_plan(wanted: Wanted, observed: Observed) -> tuple[Step, ...]:
    """The steps that leave nothing of ours: live sessions first, then roles, then providers."""
    steps: list[Step] = []
    present = {
        role.name: found
        for role in wanted.roles
        if (found := observed.roles.get(role.name)) is not None
    }
    boundaries = {role.name: role.boundary for role in wanted.roles}
    silence = denial(NOTHING_REVOKED, everything=True) or {}
    for name, found in present.items():
        steps.extend(_bounded(name, found, boundary=boundaries[name]))
        if not same_document(found.inline_policies.get(REVOCATIONS, {}), silence):
            steps.append(_put(name, REVOCATIONS, silence, "live sessions end before their role"))
    for name, found in present.items():
        kept = {**found.inline_policies, REVOCATIONS: silence}
        steps.extend(_deletion(name, found, inline=kept, why="the account is being removed"))
    steps.extend(_leftover_steps(observed, boundary=wanted.roles[0].boundary))
    if observed.provider is not None:
        arn = wanted.provider.arn
        steps.append(DeleteProvider(provider_arn=arn, why="the account is being removed"))
    return tuple(steps)


def _provider_steps(
    wanted: ProviderSpec, observed: ObservedProvider | None
) -> Iterator[ProviderStep]:
    if observed is None:
        yield CreateProvider(provider=wanted, why="the identity provider is missing")
        return
    for client_id in sorted(wanted.client_ids - observed.client_ids):
        why = "AWS would refuse our audience"
        yield AddClientId(provider_arn=wanted.arn, client_id=client_id, why=why)
    for client_id in sorted(observed.client_ids - wanted.client_ids):
        why = "a client id that is not ours was added"
        yield RemoveClientId(provider_arn=wanted.arn, client_id=client_id, why=why)
    if wanted.thumbprints and observed.thumbprints != wanted.thumbprints:
        why = "the certificate thumbprints were changed"
        yield SetThumbprints(provider_arn=wanted.arn, thumbprints=wanted.thumbprints, why=why)
    if not has_tags(observed.tags, wanted.tags):
        yield TagProvider(provider_arn=wanted.arn, tags=wanted.tags, why="our tags are gone")


def _role_steps(wanted: RoleSpec, observed: ObservedRole | None) -> Iterator[RoleStep | PolicyStep]:
    if observed is None:
        yield CreateRole(role=wanted, why="the role is missing")
        found = ObservedRole(
            boundary=wanted.boundary,
            managed_policies=frozenset(),
            inline_policies={},
            trust=wanted.trust,
            longest_session=wanted.longest_session,
            tags=wanted.tags,
        )
    else:
        found = observed
    yield from _limit_steps(wanted, found)
    yield from _policy_steps(wanted, found)


def _limit_steps(wanted: RoleSpec, found: ObservedRole) -> Iterator[RoleStep]:
    name = wanted.name
    yield from _bounded(name, found, boundary=wanted.boundary)
    if not same_document(found.trust, wanted.trust):
        why = "the trust policy is not ours"
        yield SetTrustPolicy(role_name=name, trust=wanted.trust, why=why)
    if found.longest_session != wanted.longest_session:
        yield SetLongestSession(
            role_name=name,
            description=wanted.description,
            longest_session=wanted.longest_session,
            why="the maximum session duration differs",
        )
    if not has_tags(found.tags, wanted.tags):
        yield TagRole(role_name=name, tags=wanted.tags, why="our tags are gone")


def _policy_steps(wanted: RoleSpec, found: ObservedRole) -> Iterator[PolicyStep]:
    name = wanted.name
    for arn in sorted(found.managed_policies - wanted.managed_policies):
        why = "a policy that is not ours was attached"
        yield DetachPolicy(role_name=name, policy_arn=arn, why=why)
    for policy in sorted(set(found.inline_policies) - set(wanted.inline_policies)):
        why = "nothing is revoked any more"
        if policy != REVOCATIONS:
            why = "an inline policy that is not ours was added"
        yield DeleteInlinePolicy(role_name=name, policy_name=policy, why=why)
    for policy, document in sorted(wanted.inline_policies.items()):
        present = found.inline_policies.get(policy)
        if present is None:
            yield _put(name, policy, document, "the inline policy is missing")
        elif not same_document(present, document):
            yield _put(name, policy, document, "the inline policy is not as it should be")
    for arn in sorted(wanted.managed_policies - found.managed_policies):
        yield AttachPolicy(role_name=name, policy_arn=arn, why="the policy is not attached")


def _leftover_steps(observed: Observed, *, boundary: str) -> Iterator[Step]:
    why = "left over from an older version or registration"
    for name, found in sorted(observed.leftover_roles.items()):
        yield from _bounded(name, found, boundary=boundary)
        yield from _deletion(name, found, inline=found.inline_policies, why=why)
    for arn in observed.leftover_providers:
        yield DeleteProvider(provider_arn=arn, why=why)


def _bounded(name: str, found: ObservedRole, *, boundary: str) -> Iterator[SetBoundary]:
    """The management role may change only a role that has its boundary."""
    if found.boundary != boundary:
        why = "the permissions boundary was removed or changed"
        yield SetBoundary(role_name=name, boundary=boundary, why=why)


def _deletion(
    name: str, found: ObservedRole, *, inline: Mapping[str, Document], why: str
) -> Iterator[RoleStep | PolicyStep]:
    """IAM deletes a role only once nothing is attached to it; the Deny goes last."""
    for arn in sorted(found.managed_policies):
        yield DetachPolicy(role_name=name, policy_arn=arn, why=why)
    for policy in sorted(inline, key=lambda policy: (policy == REVOCATIONS, policy)):
        yield DeleteInlinePolicy(role_name=name, policy_name=policy, why=why)
    yield DeleteRole(role_name=name, why=why)


def _put(role_name: str, policy_name: str, document: Document, why: str) -> PutInlinePolicy:
    return PutInlinePolicy(role_name=role_name, policy_name=policy_name, document=document, why=why)


def has_tags(found: Mapping[str, str], wanted: Mapping[str, str]) -> bool:
    """Whether every wanted tag is there with its value; a customer's own tags do not matter."""
    return all(found.get(key) == value for key, value in wanted.items())


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
