"""Session policies of AssumeRoleWithWebIdentity: what the caller may narrow its session to.

Unconfirmed: the texts, and how far a policy counts towards PackedPolicySize. Source of the
limits: AWS STS API, parameters Policy and PolicyArns.
"""

import re
from collections.abc import Callable, Sequence
from typing import Final

from broker.sandbox.policy.evaluation import PolicyDocument, PolicyError, PolicyKind
from broker.sandbox.web_identity.refusals import StsCode, StsRefusal, invalid_parameter

MAX_CHARACTERS: Final = 2048
MAX_ARNS: Final = 10

FindPolicy = Callable[[str], PolicyDocument]
"""From a managed policy's ARN to the policy; PolicyError if there is none."""

_POLICY_ARN = re.compile(r"arn:aws[a-z-]*:iam::(aws|\d{12}):policy/[^\s*?]+", re.ASCII)


def read_session_policies(
    inline: str | None, arns: Sequence[str], *, account_id: str, find: FindPolicy
) -> tuple[PolicyDocument, ...] | None:
    """The policies that narrow the session; None if the caller asked for none.

    Raises StsRefusal: ValidationError past the limits or for another account's policy,
    MalformedPolicyDocument for a text that is no policy.
    """
    if inline is None and not arns:
        return None
    if len(arns) > MAX_ARNS:
        raise invalid_parameter(
            "1 validation error detected: Value at 'policyArns' failed to satisfy constraint: "
            f"Member must have length less than or equal to {MAX_ARNS}"
        )
    if len(inline or "") + sum(map(len, arns)) > MAX_CHARACTERS:
        raise invalid_parameter(
            "1 validation error detected: Value at 'policy' failed to satisfy constraint: "
            f"Member must have length less than or equal to {MAX_CHARACTERS}"
        )
    if any(_owner(arn) not in ("aws", account_id) for arn in arns):
        raise invalid_parameter("A policy ARN is malformed, or of another account")
    try:
        managed = [find(arn) for arn in arns]
        own = [] if inline is None else [PolicyDocument.loads(inline, PolicyKind.IDENTITY)]
    except PolicyError as error:
        raise StsRefusal(StsCode.MALFORMED_POLICY, f"Syntax errors in policy. {error}") from error
    return (*own, *managed)


def _owner(policy_arn: str) -> str | None:
    match = _POLICY_ARN.fullmatch(policy_arn)
    return match and match[1]
