"""Sections 1, 7 and 8: the baseline, the trust policy's view, and the request's parameters."""

from typing import Any

from tests.integration.sandbox.observed.cases import (
    DENIED,
    Exchange,
    Granted,
    Refused,
    Row,
)
from tests.integration.sandbox.observed.roles_and_tags import SOURCE_IDENTITY, TAGS


def packed(size: int, claims: dict[str, Any], *, variant: str) -> Exchange:
    """A token of these claims, and the PackedPolicySize of the answer."""
    return Exchange(
        row=Row("1", "PackedPolicySize"),
        variant=variant,
        claims=claims,
        outcome=Granted({"PackedPolicySize": size}),
    )


BASELINE = [
    Exchange(
        row=Row("1", "baseline OK"),
        outcome=Granted({"SubjectFromWebIdentityToken": "subject-probe", "Audience": "client-a"}),
    ),
    Exchange(row=Row("1", "Provider field"), outcome=Granted({"Provider": "{provider}"})),
    packed(25, {}, variant="base"),
    packed(24, {"sub": ""}, variant="no subject"),
    packed(24, {"sub": "a"}, variant="subject of 1"),
    packed(34, {"sub": "a" * 300}, variant="subject of 300"),
    packed(26, {SOURCE_IDENTITY: "source-probe"}, variant="source identity"),
    packed(25, {TAGS: {"principal_tags": {"Team": ["engineering"]}}}, variant="one tag"),
    Exchange(row=Row("1", "default duration"), outcome=Granted(duration=3600)),
    Exchange(row=Row("1", "trust without any Condition, own issuer"), outcome=Granted()),
]


def trusting(
    scenario: str, condition: dict[str, Any], outcome: Granted | Refused, *, variant: str = ""
) -> Exchange:
    """A trust policy with this condition."""
    return Exchange(row=Row("7", scenario), variant=variant, condition=condition, outcome=outcome)


def equal(key: str, value: str) -> dict[str, Any]:
    return {"StringEquals": {key: value}}


TYPES = "aws:PrincipalType = FederatedUser; AssumedRole"
USER_IDS = "aws:userid = subject; = providerARN:subject"

TRUST = [
    Exchange(row=Row("7", 'Principal {AWS:"*"} only'), principal={"AWS": "*"}, outcome=DENIED),
    trusting(
        "aws:PrincipalAccount = provider/role account",
        equal("aws:PrincipalAccount", "{account}"),
        Granted(),
    ),
    trusting(
        "aws:PrincipalAccount = anonymous", equal("aws:PrincipalAccount", "anonymous"), DENIED
    ),
    trusting("aws:PrincipalType = User", equal("aws:PrincipalType", "User"), Granted()),
    trusting(TYPES, equal("aws:PrincipalType", "FederatedUser"), DENIED, variant="FederatedUser"),
    trusting(TYPES, equal("aws:PrincipalType", "AssumedRole"), DENIED, variant="AssumedRole"),
    trusting("aws:userid = provider ARN", equal("aws:userid", "{provider}"), Granted()),
    trusting(USER_IDS, equal("aws:userid", "subject-probe"), DENIED, variant="subject"),
    trusting(USER_IDS, equal("aws:userid", "{provider}:subject-probe"), DENIED, variant="both"),
    trusting("Null aws:PrincipalArn = true", {"Null": {"aws:PrincipalArn": "true"}}, Granted()),
    trusting("aws:PrincipalArn = provider ARN", equal("aws:PrincipalArn", "{provider}"), DENIED),
    trusting(
        "sts:RoleSessionName equals",
        equal("sts:RoleSessionName", "session-probe"),
        Granted(),
        variant="match",
    ),
    trusting(
        "sts:RoleSessionName equals",
        equal("sts:RoleSessionName", "another-session"),
        DENIED,
        variant="no match",
    ),
]


def by_provider_id(scenario: str, provider_id: str, outcome: Refused) -> Exchange:
    """A call that names a provider besides the token."""
    return Exchange(
        row=Row("8", scenario),
        variant=provider_id,
        parameters={"ProviderId": provider_id},
        outcome=outcome,
    )


UNRECOGNIZED = "ProviderId accounts.google.com; https://www.amazon.com; custom.example.test"

PARAMETERS = [
    by_provider_id(
        "ProviderId www.amazon.com with an OIDC JWT",
        "www.amazon.com",
        Refused("Provided Token is not a Login With Amazon token"),
    ),
    by_provider_id(
        "ProviderId graph.facebook.com",
        "graph.facebook.com",
        Refused(
            'graph.facebook.com rejected OAuth token with response "Bad signature" and code 190',
            code="IDPRejectedClaim",
            status=403,
        ),
    ),
    *(
        by_provider_id(
            UNRECOGNIZED,
            provider_id,
            Refused(
                "Unrecognized OAuth provider. Do not include a provider parameter when "
                "submitting OpenIDConnect ID tokens",
                code="AccessDenied",
                status=403,
            ),
        )
        for provider_id in (
            "accounts.google.com",
            "https://www.amazon.com",
            "custom.example.test",
        )
    ),
]
