"""An account whose role trusts an issuer as a broker's role does, and tokens to try there."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.integration.sandbox.forgeries import Forge
from tests.integration.sandbox.observed.cases import Ahead
from tests.integration.sandbox.observed.roles_and_tags import ROLES, SOURCE_IDENTITY, TAGS
from tests.integration.sandbox.observed.stage import Scenery, Stage
from tests.integration.sandbox.throwaway_tokens import PrivateKey, ec_key, jwk, signed

ASSUME = "sts:AssumeRoleWithWebIdentity"
TAG = "sts:TagSession"
SET_SOURCE_IDENTITY = "sts:SetSourceIdentity"
BOTH = (TAG, SET_SOURCE_IDENTITY)


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """One call; claims and header are merged over those of a token that is let in.

    forge: what happens to the token after it was signed. extra_actions: what the second
    statement of the trust policy allows.
    """

    claims: Mapping[str, Any] = field(default_factory=dict)
    header: Mapping[str, Any] = field(default_factory=dict)
    key: Callable[[], PrivateKey] = lambda: ec_key("ES256")
    forge: Forge = str
    extra_actions: tuple[str, ...] = BOTH
    parameters: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class TrustingAccount:
    """An issuer, its provider, and the role."""

    stage: Stage
    issuer_name: str
    scenery: Scenery

    @classmethod
    def set_up(cls, stage: Stage, *, extra_actions: tuple[str, ...] = BOTH) -> "TrustingAccount":
        """An issuer with two keys, its provider and the role that trusts it."""
        name = stage.name("issuer")
        keys = [jwk(ec_key("ES256"), kid="active"), jwk(ec_key("ES384"), kid="next")]
        scenery = Scenery.of(stage, stage.issuers.publish(name, keys))
        role = stage.create_role(scenery.fill(trust_statements(extra_actions)))
        return cls(stage, name, scenery.with_role(role))

    def token(self, attempt: Attempt) -> str:
        """The attempt's token, signed and perhaps forged."""
        claims = {
            "iss": self.scenery.issuer_url,
            "sub": "support:{account}",
            "aud": "client-a",
            "iat": Ahead(-5),
            "nbf": Ahead(-5),
            "exp": Ahead(300),
            SOURCE_IDENTITY: "engineer@example.test",
            ROLES: ["{role}"],
            TAGS: {
                "principal_tags": {"Ticket": ["T-1001"], "Session": ["s-1"]},
                "transitive_tag_keys": ["Ticket", "Session"],
            },
            **attempt.claims,
        }
        header = {"alg": "ES256", "kid": "active", "typ": "JWT", **attempt.header}
        text = json.dumps(self.scenery.fill(claims, now=self.stage.now()))
        return attempt.forge(signed(header, text, attempt.key()))

    def assume(self, attempt: Attempt) -> dict[str, Any]:
        """The call; ClientError if it is refused."""
        parameters = self.scenery.fill(dict(attempt.parameters))
        role = parameters.pop("RoleArn", self.scenery.role)
        return self.stage.assume(role, self.token(attempt), **parameters)


def trust_statements(extra_actions: tuple[str, ...]) -> list[dict[str, Any]]:
    """The trust policy that a broker writes into an account."""
    principal = {"Federated": "{provider}"}
    audience = {"{issuer}:aud": "client-a"}
    return [
        {
            "Effect": "Allow",
            "Principal": principal,
            "Action": ASSUME,
            "Condition": {
                "StringEquals": {**audience, "{issuer}:sub": "support:{account}"},
                "StringLike": {
                    "aws:RequestTag/Ticket": "?*",
                    "aws:RequestTag/Session": "?*",
                    "sts:SourceIdentity": "?*",
                },
                "Bool": {"sts:RoleAuthorizedByIdp": "true"},
            },
        },
        {
            "Effect": "Allow",
            "Principal": principal,
            "Action": list(extra_actions),
            "Condition": {"StringEquals": audience},
        },
    ]
