"""Making a proof: what is really attached to the support roles, held against what was promised.

Pure: everything that was read comes in as values. Nothing of what the broker wanted to attach is
taken for granted; only the promises are, and they come from `denied_actions`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from broker.domain.accounts import Account
from broker.domain.denied_actions import SUPPORT_CASE_ACTIONS
from broker.domain.grants import Access
from broker.domain.iam_documents import Document, denied_reads
from broker.domain.lifecycle import plan
from broker.domain.observed import Observed, ObservedRole
from broker.domain.proofs.action_catalogue import AccessLevel, ActionCatalogue
from broker.domain.proofs.policy_reach import (
    Effect,
    Extent,
    Reach,
    Statement,
    UnreadablePolicyError,
    covers,
    reach,
    statements_of,
)
from broker.domain.proofs.proof import READING, Proof, RoleProof
from broker.domain.role_plan import Wanted, role_arn
from broker.domain.steps import describe

Documents = Mapping[str, Document | None]
"""Managed policies' documents by ARN; None for one that could not be read."""

_NAMED_LIKE_A_READ = re.compile(r"[^:]+:(BatchGet|Describe|Get|List)", re.IGNORECASE)
"""How AWS names what only reads; all that can be said of an action that no catalogue knows."""

_SHOWN = 6
"""How many actions a sentence names; the proof itself holds all of them."""


def managed_policies(observed: Observed) -> frozenset[str]:
    """The ARNs of all managed policies that a proof needs the documents of, boundaries included."""
    roles = _roles(observed).values()
    boundaries = {role.boundary for role in roles if role.boundary is not None}
    return frozenset(boundaries).union(*(role.managed_policies for role in roles))


def prove(
    account: Account,
    wanted: Wanted,
    observed: Observed,
    documents: Documents,
    *,
    name_prefix: str,
    catalogue: ActionCatalogue,
    now: datetime,
) -> Proof:
    """What the roles found in the account may do, and whether that is what was promised."""
    denied = statements_of("promise", denied_reads(account.profile, partition=account.partition))
    arn = role_arn(account.account_id, account.partition, Access.CASE, name_prefix=name_prefix)
    case_role = arn.rsplit("/", 1)[1]
    return Proof(
        account_id=account.account_id,
        profile=account.profile,
        made_at=now,
        catalogue_version=catalogue.version,
        catalogue_updated_at=catalogue.updated_at,
        roles=tuple(
            _role_proof(
                _Attached.of(name, role, documents),
                _Promise(denied, SUPPORT_CASE_ACTIONS if name == case_role else ()),
                catalogue,
            )
            for name, role in sorted(_roles(observed).items())
        ),
        findings=tuple(f"{step.why}: {describe(step)}" for step in plan(wanted, observed)),
    )


def _roles(observed: Observed) -> Mapping[str, ObservedRole]:
    """The roles that exist. A leftover counts too: it carries our name and may be assumed."""
    present = {name: role for name, role in observed.roles.items() if role is not None}
    return {**observed.leftover_roles, **present}


@dataclass(frozen=True, slots=True)
class _Promise:
    """What is always denied to a role, and what it may do above reading."""

    denied: Sequence[Statement]
    may_change: Sequence[str]

    def allows(self, name: str) -> bool:
        """Whether all that `name`, an action or a pattern, may stand for is allowed to the role."""
        return any(covers(pattern, name) for pattern in self.may_change)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Attached:
    """What binds one role, parsed. `boundary` is None where none is there or none can be read."""

    name: str
    identity: Sequence[Statement]
    boundary: Sequence[Statement] | None
    has_boundary: bool
    unreadable: Sequence[str]

    @classmethod
    def of(cls, name: str, role: ObservedRole, documents: Documents) -> _Attached:
        """The role as found, with the documents of what is attached to it."""
        managed = {_short(arn): documents.get(arn) for arn in sorted(role.managed_policies)}
        inline = dict(sorted(role.inline_policies.items()))
        unreadable: list[str] = []
        identity = [
            statement
            for policies in (inline, managed)
            for policy, document in policies.items()
            for statement in _parsed(policy, document, unreadable) or ()
        ]
        boundary = None
        if role.boundary is not None:
            document = documents.get(role.boundary)
            boundary = _parsed(f"boundary {_short(role.boundary)}", document, unreadable)
        return cls(
            name=name,
            identity=identity,
            boundary=boundary,
            has_boundary=role.boundary is not None,
            unreadable=unreadable,
        )

    def statements(self) -> Iterable[Statement]:
        """All statements, whichever side they are on."""
        return (*self.identity, *(self.boundary or ()))


def _short(arn: str) -> str:
    return arn.rsplit("/", 1)[1]


def _parsed(
    policy: str, document: Document | None, unreadable: list[str]
) -> Sequence[Statement] | None:
    """The policy's statements, or None with its name added to what cannot be read."""
    try:
        if document is not None:
            return statements_of(policy, document)
    except UnreadablePolicyError:
        pass
    unreadable.append(policy)
    return None


def _role_proof(attached: _Attached, promise: _Promise, catalogue: ActionCatalogue) -> RoleProof:
    reached = reach(attached.identity, attached.boundary, catalogue)
    broken = tuple(_broken(attached, promise, reached, catalogue))
    return RoleProof(
        role=attached.name,
        actions=_by_level(reached.actions, catalogue),
        unknown=tuple(sorted(reached.unknown)),
        broken_promises=broken,
        partly_denied=tuple(_partial_denials(attached)),
        violations=tuple(_violations(attached, promise, reached, broken, catalogue)),
        unproven=tuple(
            f"{policy} of {attached.name} could not be read." for policy in attached.unreadable
        ),
    )


def _by_level(
    actions: Iterable[str], catalogue: ActionCatalogue
) -> Mapping[AccessLevel, tuple[str, ...]]:
    levels: dict[AccessLevel, list[str]] = {}
    for action in sorted(actions):
        levels.setdefault(catalogue.level(action), []).append(action)
    return {level: tuple(levels[level]) for level in AccessLevel if level in levels}


def _broken(
    attached: _Attached, promise: _Promise, reached: Reach, catalogue: ActionCatalogue
) -> Iterable[str]:
    """What should be denied and is not; a denial by resource must stand there for each of them."""
    for denied in promise.denied:
        named = frozenset[str]().union(*map(catalogue.named, denied.actions))
        for action in sorted(named & reached.actions):
            if denied.extent is Extent.WHOLE:
                yield action
                continue
            for resource in denied.resources:
                if not any(_denies_on(each, action, resource) for each in attached.statements()):
                    yield f"{action} on {resource}"


def _denies_on(statement: Statement, action: str, resource: str) -> bool:
    return (
        statement.effect is Effect.DENY
        and not statement.conditional
        and statement.speaks_surely_of(action)
        and any(covers(pattern, resource) for pattern in statement.resources)
    )


def _partial_denials(attached: _Attached) -> Iterable[str]:
    for each in attached.statements():
        if each.effect is Effect.DENY and each.extent is Extent.PARTIAL:
            when = "under a condition" if each.conditional else "on some resources"
            yield f"{each.policy} {each.sid}".rstrip() + f" denies {_some(each.actions)} {when}"


def _violations(
    attached: _Attached,
    promise: _Promise,
    reached: Reach,
    broken: Sequence[str],
    catalogue: ActionCatalogue,
) -> Iterable[str]:
    role = attached.name
    if not attached.has_boundary:
        yield f"{role} has no permissions boundary: nothing caps what is attached to it."
    changing = [
        action
        for action in sorted(reached.actions)
        if catalogue.level(action) not in READING and not promise.allows(action)
    ]
    if changing:
        yield f"{role} may do what is no reading: {_some(changing)}."
    if broken:
        yield f"{role} may do what its profile promises to deny: {_some(broken)}."
    doubtful = [
        name
        for name in sorted(reached.unknown)
        if not _NAMED_LIKE_A_READ.match(name) and not promise.allows(name)
    ]
    if doubtful:
        yield f"{role} may do what IAM's catalogue does not know: {_some(doubtful)}."


def _some(names: Collection[str]) -> str:
    shown = ", ".join(list(names)[:_SHOWN])
    more = len(names) - _SHOWN
    return f"{shown} and {more} more" if more > 0 else shown
