"""AssumeRoleWithWebIdentity as AWS answers it, in place of moto's, which believes any token.

Unconfirmed: the order of the checks where a call is wrong twice; the texts of parameter errors,
of a missing provider, of an issuer that does not answer and of a refused sts:TagSession or
sts:SetSourceIdentity; another algorithm than discovery advertises, and an empty key set (both
refused); session policies in PackedPolicySize, which is estimated and never too large. The
built-in providers (Google, Amazon, Facebook, Cognito) do not exist here.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

from moto.iam.models import OpenIDConnectProvider, Role

from broker.sandbox.clock import Clock
from broker.sandbox.issuers.issuer_url import IssuerUrl
from broker.sandbox.issuers.openid_fetch import (
    DocumentRefusedError,
    IssuerClient,
    IssuerUnreachableError,
)
from broker.sandbox.state.credentials import (
    CredentialRegister,
    RoleIdentity,
    SessionAttributes,
    TemporaryCredentials,
)
from broker.sandbox.state.iam_directory import IamDirectory
from broker.sandbox.state.identity_providers import find_provider
from broker.sandbox.state.session_length import SessionLength
from broker.sandbox.web_identity.claims import IdentityClaims, check, read_issuer
from broker.sandbox.web_identity.keys import Jwk, verify_signature
from broker.sandbox.web_identity.refusals import (
    StsCode,
    StsRefusal,
    access_denied,
    invalid_parameter,
    invalid_token,
    no_verification_key,
)
from broker.sandbox.web_identity.roles_claim import authorize
from broker.sandbox.web_identity.session_policies import read_session_policies
from broker.sandbox.web_identity.token import UnverifiedToken, parse
from broker.sandbox.web_identity.trust import WebIdentity, require_trust

DEFAULT_DURATION: Final = 3600
DURATIONS: Final = range(900, 43200 + 1)
TOKEN_LENGTHS: Final = range(4, 20000 + 1)

_ROLE_ARN = re.compile(r"arn:(aws[a-z-]*):iam::(\d{12}):role/[!-~]+", re.ASCII)
_SESSION_NAME = re.compile(r"[\w+=,.@-]{2,64}", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class WebIdentityRequest:
    """The parameters of one call, as they came."""

    role_arn: str
    session_name: str
    token: str = field(repr=False)
    duration: int = DEFAULT_DURATION
    provider_id: str | None = None
    policy: str | None = None
    policy_arns: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class WebIdentityService:
    """The operation: from a request to STS's answer, or to a refusal.

    role_delay: how long after its creation a role is not seen yet. AWS was seen to take up to
    8 s, in which it answers as if the trust policy refused.
    """

    clock: Clock
    iam: IamDirectory
    register: CredentialRegister
    issuers: IssuerClient
    role_delay: timedelta = timedelta()
    session_length: SessionLength = field(default_factory=SessionLength)

    def assume(self, request: WebIdentityRequest) -> dict[str, Any]:
        """The members of AssumeRoleWithWebIdentityResponse; StsRefusal with AWS's answer."""
        _check_parameters(request)
        token = parse(request.token)
        provider = _provider(token.claims, role_arn=request.role_arn)
        claims = self._verify(token, provider)
        authorization = authorize(claims.roles, role_arn=request.role_arn)
        role = self._role(request)
        policies = read_session_policies(
            request.policy,
            request.policy_arns,
            account_id=role.account_id,
            find=lambda arn: self.iam.managed_policy(role.account_id, role.partition, arn),
        )
        identity = WebIdentity(
            provider_arn=provider.arn,
            issuer_name=provider.url,
            claims=claims,
            authorization=authorization,
            session_name=request.session_name,
        )
        require_trust(role, identity, now=self.clock.now())
        credentials = self.register.issue(
            role=RoleIdentity(arn=role.arn, unique_id=role.id),
            session_name=request.session_name,
            duration=self.session_length.of(timedelta(seconds=request.duration)),
            attributes=SessionAttributes(
                tags=claims.tags.values,
                transitive_tag_keys=claims.tags.transitive_keys,
                source_identity=claims.source_identity,
                policies=policies,
            ),
        )
        return _response(credentials, identity, policy_length=len(request.policy or ""))

    def _verify(self, token: UnverifiedToken, provider: OpenIDConnectProvider) -> IdentityClaims:
        issuer = IssuerUrl.parse(token.claims["iss"]).canonical
        advertised, keys = self._documents(issuer)
        claims = check(token.claims, now=self.clock.now())
        if token.claims["iss"] != issuer or claims.audience not in provider.client_id_list:
            raise invalid_token()
        if advertised and token.algorithm not in advertised:
            raise invalid_token()
        verify_signature(token, keys)
        return claims

    def _documents(self, issuer: str) -> tuple[frozenset[str], tuple[Jwk, ...]]:
        try:
            discovery = self.issuers.discovery(issuer)
            keys = self.issuers.keys(discovery)
        except IssuerUnreachableError as error:
            raise _no_communication() from error
        except DocumentRefusedError as error:
            raise no_verification_key() from error
        if not keys:
            raise _no_communication()
        return discovery.algorithms, keys

    def _role(self, request: WebIdentityRequest) -> Role:
        """The role, if AWS knows it by now and lets a session of this name last so long."""
        role = self.iam.role(request.role_arn)
        if role is None or self._is_fresh(role):
            raise access_denied()
        if request.duration > int(role.max_session_duration or DEFAULT_DURATION):
            raise invalid_parameter(
                "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."
            )
        if not _SESSION_NAME.fullmatch(request.session_name):
            raise _constraint("roleSessionName", r"satisfy regular expression pattern: [\w+=,.@-]*")
        return role

    def _is_fresh(self, role: Role) -> bool:
        created = role.create_date.replace(tzinfo=self.clock.now().tzinfo)
        return self.clock.now() < created + self.role_delay


def _check_parameters(request: WebIdentityRequest) -> None:
    if not _ROLE_ARN.fullmatch(request.role_arn):
        raise invalid_parameter(f"{request.role_arn} is invalid")
    if request.duration not in DURATIONS:
        raise _constraint(
            "durationSeconds",
            f"have value between {DURATIONS.start} and {DURATIONS.stop - 1}",
        )
    if request.provider_id is not None:
        raise _other_provider(request.provider_id)
    if len(request.token) not in TOKEN_LENGTHS:
        raise _constraint(
            "webIdentityToken",
            f"have length between {TOKEN_LENGTHS.start} and {TOKEN_LENGTHS.stop - 1}",
        )


def _constraint(parameter: str, rule: str) -> StsRefusal:
    return invalid_parameter(
        f"1 validation error detected: Value at '{parameter}' failed to satisfy constraint: "
        f"Member must {rule}"
    )


def _other_provider(provider_id: str) -> StsRefusal:
    """ProviderId is for OAuth 2.0 access tokens, and what comes here is never one."""
    match provider_id:
        case "www.amazon.com":
            return invalid_token("Provided Token is not a Login With Amazon token")
        case "graph.facebook.com":
            return StsRefusal(
                StsCode.IDP_REJECTED_CLAIM,
                "graph.facebook.com rejected OAuth token "
                'with response "Bad signature" and code 190',
            )
        case _:
            return access_denied(
                "Unrecognized OAuth provider. Do not include a provider parameter "
                "when submitting OpenIDConnect ID tokens"
            )


def _provider(claims: Mapping[str, Any], *, role_arn: str) -> OpenIDConnectProvider:
    """The token's identity provider in the account of the role."""
    issuer = read_issuer(claims)
    try:
        name = IssuerUrl.parse(issuer).name
    except ValueError as error:
        raise invalid_token() from error
    owner = role_arn.split(":role/", 1)[0]
    provider = find_provider(f"{owner}:oidc-provider/{name}")
    if provider is None:
        raise invalid_token(f"No OpenIDConnect provider found in your account for {issuer}")
    return provider


def _no_communication() -> StsRefusal:
    return StsRefusal(
        StsCode.IDP_COMMUNICATION, "The identity provider could not be reached; try again"
    )


def _response(
    credentials: TemporaryCredentials, identity: WebIdentity, *, policy_length: int
) -> dict[str, Any]:
    claims = identity.claims
    source_identity = {"SourceIdentity": claims.source_identity} if claims.source_identity else {}
    return {
        "Credentials": credentials.credentials_element(),
        "AssumedRoleUser": credentials.assumed_role_user_element(),
        "SubjectFromWebIdentityToken": claims.subject,
        "Audience": claims.audience,
        "Provider": identity.provider_arn,
        "PackedPolicySize": _packed_size(claims, policy_length=policy_length),
        **source_identity,
    }


def _packed_size(claims: IdentityClaims, *, policy_length: int) -> int:
    """Percent of the packed limit, fitted to the recordings: one per 30 characters over 24.

    Recorded: 25, 24 with a subject of at most one character, 34 with one of 300, one more with
    a source identity, none more with one short tag.
    """
    tags = sum(len(key) + len(value) for key, value in claims.tags.values.items())
    size = (
        24
        + _ceil_div(max(len(claims.subject) - 1, 0), 30)
        + _ceil_div(len(claims.source_identity or ""), 30)
        + tags // 30
        + _ceil_div(policy_length, 30)
    )
    return min(size, 100)


def _ceil_div(dividend: int, divisor: int) -> int:
    return -(-dividend // divisor)
