"""AssumeRole and GetCallerIdentity as AWS decides them, in place of moto's, which asks nothing.

Stricter than AWS in one point: a caller of the role's own account whom the trust policy names
directly needs an Allow of its own policies too, as one of another account does.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from moto.core.responses import ActionResult
from moto.iam.models import Role
from moto.sts.responses import TokenResponse

from broker.sandbox.calls.callers import Caller
from broker.sandbox.calls.operations import Operation
from broker.sandbox.gate.enforcement import ADMITTED, Admission
from broker.sandbox.needs.sts import assume_role_context
from broker.sandbox.needs.types import resource_tags
from broker.sandbox.policy.evaluation import (
    Denied,
    PolicyDocument,
    PolicyError,
    PolicyKind,
    evaluate_trust,
)
from broker.sandbox.services.web_identity import error_answer
from broker.sandbox.state.credentials import CredentialRegister, RoleIdentity, SessionAttributes
from broker.sandbox.state.iam_directory import IamDirectory, tags_of
from broker.sandbox.web_identity.refusals import StsRefusal, access_denied, invalid_parameter
from broker.sandbox.web_identity.session_policies import read_session_policies

DEFAULT_DURATION: Final = 3600
DURATIONS: Final = range(900, 43200 + 1)
CHAINED_LIMIT: Final = 3600
MAX_TAGS: Final = 50

_ROLE_ARN = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:role/[!-~]+", re.ASCII)
_SESSION_NAME = re.compile(r"[\w+=,.@-]{2,64}", re.ASCII)
_EXTERNAL_ID = re.compile(r"[\w+=,.@:/-]{2,1224}", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class AssumeRoleService:
    """The operation, for a caller whose own policies the gate has already found to allow it."""

    directory: IamDirectory
    register: CredentialRegister

    def assume(self, admission: Admission) -> dict[str, Any]:
        """The members of AssumeRoleResponse; StsRefusal with AWS's answer."""
        caller, operation = admission.caller, admission.operation
        if caller is None:
            raise access_denied("AssumeRole must be signed")
        _check_parameters(operation)
        role_arn = operation.text("RoleArn") or ""
        role = self.directory.role(role_arn)
        attributes = self._attributes(caller, operation)
        if role is None or not _trusts(role, admission, attributes):
            # AWS does not tell a role that is missing from one that does not trust the caller.
            raise access_denied(
                f"User: {caller.arn} is not authorized to perform: "
                f"sts:AssumeRole on resource: {role_arn}"
            )
        duration = _duration(operation)
        _check_duration(duration, role=role, caller=caller)
        credentials = self.register.issue(
            role=RoleIdentity(arn=role.arn, unique_id=role.id),
            session_name=operation.text("RoleSessionName") or "",
            duration=timedelta(seconds=duration),
            attributes=attributes,
        )
        source_identity = attributes.source_identity
        return {
            "Credentials": credentials.credentials_element(),
            "AssumedRoleUser": credentials.assumed_role_user_element(),
            **({"SourceIdentity": source_identity} if source_identity else {}),
        }

    def _attributes(self, caller: Caller, operation: Operation) -> SessionAttributes:
        """What the request asks for, on top of what a chained session must pass on."""
        inherited = caller.session.attributes if caller.session else SessionAttributes()
        passed_on = {key: inherited.tags[key] for key in inherited.transitive_tag_keys}
        tags = operation.tags()
        if {key.lower() for key in tags} & {key.lower() for key in passed_on}:
            raise invalid_parameter("A transitive session tag cannot be set anew")
        source_identity = operation.text("SourceIdentity")
        if source_identity and inherited.source_identity not in (None, source_identity):
            raise access_denied("SourceIdentity cannot be changed once it is set")
        transitive = {*operation.texts("TransitiveTagKeys"), *passed_on}
        return SessionAttributes(
            tags={**passed_on, **tags},
            transitive_tag_keys=tuple(sorted(transitive)),
            source_identity=source_identity or inherited.source_identity,
            policies=self._session_policies(operation),
        )

    def _session_policies(self, operation: Operation) -> tuple[PolicyDocument, ...] | None:
        partition, account_id = (operation.text("RoleArn") or "").split(":")[1:5:3]
        arns = [
            str(value)
            for name, value in operation.parameters.items()
            if re.fullmatch(r"PolicyArns\.member\.\d+\.arn", name)
        ]
        return read_session_policies(
            operation.text("Policy"),
            arns,
            account_id=account_id,
            find=lambda arn: self.directory.managed_policy(account_id, partition, arn),
        )


def _trusts(role: Role, admission: Admission, attributes: SessionAttributes) -> bool:
    """Whether the role's trust policy lets the caller in, with these attributes."""
    assert admission.caller is not None  # noqa: S101  (the caller of this function has checked)
    actions = ["sts:AssumeRole"]
    if attributes.tags:
        actions.append("sts:TagSession")
    if attributes.source_identity:
        actions.append("sts:SetSourceIdentity")
    try:
        document = PolicyDocument.loads(role.assume_role_policy_document, PolicyKind.TRUST)
    except PolicyError:
        return False
    context = {
        **admission.context,
        **assume_role_context(admission.operation),
        **resource_tags(tags_of(role)),
    }
    if attributes.source_identity:
        context["sts:SourceIdentity"] = attributes.source_identity
    principal = {"AWS": admission.caller.trust_names}
    return not any(
        isinstance(
            evaluate_trust(document, action=action, principal=principal, context=context), Denied
        )
        for action in actions
    )


def _check_parameters(operation: Operation) -> None:
    role_arn = operation.text("RoleArn") or ""
    if not _ROLE_ARN.fullmatch(role_arn):
        raise invalid_parameter(f"{role_arn} is invalid")
    if not _SESSION_NAME.fullmatch(operation.text("RoleSessionName") or ""):
        raise _constraint("roleSessionName", r"satisfy regular expression pattern: [\w+=,.@-]*")
    external_id = operation.text("ExternalId")
    if external_id is not None and not _EXTERNAL_ID.fullmatch(external_id):
        raise _constraint("externalId", r"satisfy regular expression pattern: [\w+=,.@:\/-]*")
    if len(operation.tags()) > MAX_TAGS:
        raise _constraint("tags", f"have length less than or equal to {MAX_TAGS}")
    _duration(operation)


def _duration(operation: Operation) -> int:
    text = operation.text("DurationSeconds") or str(DEFAULT_DURATION)
    if not re.fullmatch(r"\d{1,9}", text, re.ASCII) or int(text) not in DURATIONS:
        raise _constraint(
            "durationSeconds", f"have value between {DURATIONS.start} and {DURATIONS.stop - 1}"
        )
    return int(text)


def _check_duration(duration: int, *, role: Role, caller: Caller) -> None:
    if duration > int(role.max_session_duration or DEFAULT_DURATION):
        raise invalid_parameter(
            "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."
        )
    if caller.session is not None and duration > CHAINED_LIMIT:
        raise invalid_parameter(
            "The requested DurationSeconds exceeds the 1 hour session limit "
            "for roles assumed by role chaining."
        )


def _constraint(parameter: str, rule: str) -> StsRefusal:
    return invalid_parameter(
        f"1 validation error detected: Value at '{parameter}' failed to satisfy constraint: "
        f"Member must {rule}"
    )


def install(service: AssumeRoleService) -> None:
    """Let moto's STS answer AssumeRole and GetCallerIdentity this way, in this process."""

    def assume_role(self: TokenResponse) -> ActionResult | tuple[str, Mapping[str, str]]:
        try:
            return ActionResult(service.assume(_admission(self)))
        except StsRefusal as refusal:
            return error_answer(refusal)

    def get_caller_identity(self: TokenResponse) -> ActionResult:
        caller = _admission(self).caller
        assert caller is not None  # noqa: S101  (the gate lets no unsigned call come here)
        identity = {"UserId": caller.user_id, "Account": caller.account_id, "Arn": caller.arn}
        return ActionResult(identity)

    TokenResponse.assume_role = assume_role  # type: ignore[method-assign,assignment]
    TokenResponse.get_caller_identity = get_caller_identity  # type: ignore[method-assign]


def _admission(call: TokenResponse) -> Admission:
    admission = call.normalized_request.environ[ADMITTED]
    assert isinstance(admission, Admission)  # noqa: S101
    return admission
