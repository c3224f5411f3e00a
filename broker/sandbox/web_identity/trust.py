"""What a role's trust policy is told about a web identity, and whether it lets it in.

The keys are those recorded or listed for AWS; of the claims only `aud` and `sub` are seen, under
the issuer's name. Unconfirmed, and therefore absent: `oaud`, `amr` and `email`, the address, the
agent and the Region of the call. IAM's service authorization reference lists
`sts:RoleAuthorizedByIdp` for sts:AssumeRoleWithWebIdentity alone, so the two actions that go
with it do not see that key.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from moto.iam.models import Role

from broker.sandbox.policy.evaluation import (
    Allowed,
    PolicyDocument,
    PolicyError,
    PolicyKind,
    evaluate_trust,
)
from broker.sandbox.web_identity.claims import IdentityClaims
from broker.sandbox.web_identity.refusals import access_denied
from broker.sandbox.web_identity.roles_claim import Authorization

Context = Mapping[str, str | tuple[str, ...]]

ASSUME = "sts:AssumeRoleWithWebIdentity"
TAG = "sts:TagSession"
SET_SOURCE_IDENTITY = "sts:SetSourceIdentity"


@dataclass(frozen=True, kw_only=True)
class WebIdentity:
    """A verified caller: who says so, what is said, and what the session shall be called.

    issuer_name: host and path of the issuer, the prefix of its condition keys.
    """

    provider_arn: str
    issuer_name: str
    claims: IdentityClaims
    authorization: Authorization
    session_name: str


def require_trust(role: Role, identity: WebIdentity, *, now: datetime) -> None:
    """AccessDenied unless the trust policy allows every action that the token amounts to."""
    try:
        document = PolicyDocument.loads(role.assume_role_policy_document, PolicyKind.TRUST)
    except PolicyError as error:
        raise access_denied() from error
    context = _context(role, identity, now=now)
    pinned = {"sts:RoleAuthorizedByIdp": identity.authorization.value}
    for action in _actions(identity.claims):
        decision = evaluate_trust(
            document,
            action=action,
            principal={"Federated": identity.provider_arn},
            context={**context, **pinned} if action == ASSUME else context,
        )
        if not isinstance(decision, Allowed):
            raise access_denied(f"Not authorized to perform {action}")


def _actions(claims: IdentityClaims) -> tuple[str, ...]:
    tag = (TAG,) if claims.tags.values else ()
    set_source_identity = (SET_SOURCE_IDENTITY,) if claims.source_identity else ()
    return (ASSUME, *tag, *set_source_identity)


def _context(role: Role, identity: WebIdentity, *, now: datetime) -> Context:
    claims = identity.claims
    return {
        f"{identity.issuer_name}:aud": claims.audience,
        f"{identity.issuer_name}:sub": claims.subject,
        "sts:RoleSessionName": identity.session_name,
        "aws:PrincipalAccount": role.account_id,
        "aws:PrincipalType": "User",
        "aws:PrincipalIsAWSService": "false",
        "aws:userid": identity.provider_arn,
        "aws:ResourceAccount": role.account_id,
        "aws:CurrentTime": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "aws:EpochTime": str(int(now.timestamp())),
        **{f"aws:ResourceTag/{tag['Key']}": tag["Value"] for tag in role.tags or ()},
        **_session_keys(claims),
    }


def _session_keys(claims: IdentityClaims) -> Context:
    keys: dict[str, str | tuple[str, ...]] = {
        f"aws:RequestTag/{key}": value for key, value in claims.tags.values.items()
    }
    if claims.tags.values:
        keys["aws:TagKeys"] = tuple(claims.tags.values)
    if claims.tags.transitive_keys:
        keys["sts:TransitiveTagKeys"] = claims.tags.transitive_keys
    if claims.source_identity is not None:
        keys["sts:SourceIdentity"] = claims.source_identity
    return keys
