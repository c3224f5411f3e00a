"""Policy evaluation: is this request allowed by these policies, and if not, why not.

Pure: documents and a request go in, a decision with its reason comes out. Doubt is turned
against the caller (see `policy_patterns.Match`). Source: IAM User Guide, "Policy evaluation
logic".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from broker.sandbox.policy.documents import Effect, PolicyDocument, PolicyKind, Statement
from broker.sandbox.policy.patterns import Context, Match, PolicyError, every, some

__all__ = [
    "Allowed",
    "AuthorizationRequest",
    "Decision",
    "Denied",
    "PolicyDocument",
    "PolicyError",
    "PolicyKind",
    "Reason",
    "evaluate",
    "evaluate_trust",
]


@dataclass(frozen=True)
class AuthorizationRequest:
    """One action on one resource.

    action: `service:Operation`. resource: an ARN, `*` for an action that has none, or None if
    the sandbox does not know it. context: condition keys, in any case.
    """

    action: str
    resource: str | None
    context: Context

    def __post_init__(self) -> None:
        lowered = {key.lower(): value for key, value in self.context.items()}
        object.__setattr__(self, "context", lowered)


class Reason(Enum):
    """Why a request is refused; the value continues AWS's sentence "is not authorized ..."."""

    EXPLICIT_DENY_IDENTITY = "with an explicit deny in an identity-based policy"
    EXPLICIT_DENY_BOUNDARY = "with an explicit deny in a permissions boundary"
    EXPLICIT_DENY_SESSION = "with an explicit deny in a session policy"
    EXPLICIT_DENY_TRUST = "with an explicit deny in a resource-based policy"
    NO_IDENTITY_ALLOW = "because no identity-based policy allows the {action} action"
    NO_BOUNDARY_ALLOW = "because no permissions boundary allows the {action} action"
    NO_SESSION_ALLOW = "because no session policy allows the {action} action"
    NO_TRUST_ALLOW = "because no resource-based policy allows the {action} action"
    UNREADABLE_POLICY = "because a policy of the caller is malformed"
    UNKNOWN_OPERATION = "because the sandbox cannot tell which action this request is"


@dataclass(frozen=True)
class Allowed:
    """The request may go on."""


@dataclass(frozen=True)
class Denied:
    """The request is refused."""

    reason: Reason


Decision = Allowed | Denied


def evaluate(
    request: AuthorizationRequest,
    *,
    identity: Sequence[PolicyDocument],
    boundary: PolicyDocument | None = None,
    session: Sequence[PolicyDocument] | None = None,
) -> Decision:
    """The request must be denied by no policy, and allowed by each kind of policy there is.

    session: the session policies of temporary credentials, of which one must allow; None if
    they were issued without any.
    """
    layers: list[tuple[Sequence[PolicyDocument], Reason, Reason]] = [
        (identity, Reason.EXPLICIT_DENY_IDENTITY, Reason.NO_IDENTITY_ALLOW)
    ]
    if boundary is not None:
        layers.append(([boundary], Reason.EXPLICIT_DENY_BOUNDARY, Reason.NO_BOUNDARY_ALLOW))
    if session is not None:
        layers.append((session, Reason.EXPLICIT_DENY_SESSION, Reason.NO_SESSION_ALLOW))
    for policies, denied, _ in layers:
        if _denies(_statements(policies), request):
            return Denied(denied)
    for policies, _, not_allowed in layers:
        if not _allows(_statements(policies), request):
            return Denied(not_allowed)
    return Allowed()


def evaluate_trust(
    document: PolicyDocument,
    *,
    action: str,
    principal: Mapping[str, str | Sequence[str]],
    context: Context,
) -> Decision:
    """Whether a role's trust policy lets `principal` take `action` (an STS action) on the role.

    principal: by kind, every name the caller goes by, such as `{"Federated": provider_arn}` or
    `{"AWS": (user_arn, account_root_arn)}`. A wildcard for AWS principals does not cover a
    federated one.
    """
    request = AuthorizationRequest(action, "*", context)
    named = {
        kind: (names,) if isinstance(names, str) else tuple(names)
        for kind, names in principal.items()
    }
    covering = {
        match: [each for each in document.statements if _match_principal(each, named) is match]
        for match in Match
    }
    if _denies(covering[Match.YES] + covering[Match.UNKNOWN], request):
        return Denied(Reason.EXPLICIT_DENY_TRUST)
    if not _allows(covering[Match.YES], request):
        return Denied(Reason.NO_TRUST_ALLOW)
    return Allowed()


def _statements(policies: Iterable[PolicyDocument]) -> list[Statement]:
    return [statement for policy in policies for statement in policy.statements]


def _denies(statements: Iterable[Statement], request: AuthorizationRequest) -> bool:
    return any(
        _match(each, request) is not Match.NO for each in statements if each.effect is Effect.DENY
    )


def _allows(statements: Iterable[Statement], request: AuthorizationRequest) -> bool:
    return any(
        _match(each, request) is Match.YES for each in statements if each.effect is Effect.ALLOW
    )


def _match(statement: Statement, request: AuthorizationRequest) -> Match:
    action = statement.actions.match(request.action)
    if action is Match.NO:
        return Match.NO
    parts = [condition.match(request.context) for condition in statement.conditions]
    if statement.resources is not None:
        parts.append(statement.resources.match(request.resource, request.context))
    return every([action, *parts])


def _match_principal(statement: Statement, caller: Mapping[str, Sequence[str]]) -> Match:
    return some(
        _match_name(kind, name, caller)
        for kind, names in (statement.principals or {}).items()
        for name in names
    )


def _match_name(kind: str, name: str, caller: Mapping[str, Sequence[str]]) -> Match:
    if name == "*":
        # "*" and {"AWS": "*"} are every AWS principal. Whether a Deny on them reaches a
        # federated caller is not recorded anywhere, so it is left open.
        return Match.YES if kind in ("*", "AWS") and "AWS" in caller else Match.UNKNOWN
    if kind == "AWS" and re.fullmatch(r"\d{12}", name):
        root = re.compile(rf"arn:[a-z-]+:iam::{name}:root")
        return Match.of(any(root.fullmatch(each) for each in caller.get("AWS", ())))
    return Match.of(name in caller.get(kind, ()))
