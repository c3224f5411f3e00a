"""The broker's own sessions: a support role like everybody's, for exactly what it is needed for."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from broker.domain.claims import ROLES_CLAIM, SOURCE_IDENTITY_CLAIM, TAGS_CLAIM
from broker.domain.grants import Access
from broker.domain.identifiers import EngineerId, SessionId, TicketId
from broker.domain.sessions import Credentials
from broker.errors import BrokerError, DependencyUnavailable, UpstreamRejected
from broker.services.ambient import Entropy
from broker.services.issuer.own_access import OwnAccess
from tests.unit.domain.making import NOW, account

BROKER, TICKET = EngineerId("broker-activity"), TicketId("activity")
SESSION = SessionId("s-" + "5e" * 10)
CREDENTIALS = Credentials(
    access_key_id="ASIAEXAMPLE",
    secret_access_key="a secret",
    session_token="another secret",
    expiration=NOW + timedelta(minutes=15),
)


@dataclass
class Aws:
    """Takes what is minted and exchanged; refuses with `error` where it has one."""

    error: BrokerError | None = None
    claims: list[Mapping[str, Any]] = field(default_factory=list)
    asked: list[Mapping[str, Any]] = field(default_factory=list)

    def mint(self, _: object, claims: Mapping[str, Any]) -> SimpleNamespace:
        self.claims.append(claims)
        return SimpleNamespace(compact="signed")

    def exchange(self, **asked: Any) -> Credentials:
        self.asked.append(asked)
        if self.error is not None:
            raise self.error
        return CREDENTIALS


def entered(aws: Aws, *actions: str, access: Access = Access.READ) -> Credentials:
    """What the broker's own session gets."""
    own = OwnAccess(
        minter=aws, exchange=aws, name_prefix="Acme", clock=lambda: NOW, entropy=Entropy()
    )
    return own.credentials(
        account(),
        access=access,
        actions=actions,
        engineer=BROKER,
        ticket_id=TICKET,
        session_id=SESSION,
    )


def test_the_session_may_do_what_was_named_and_nothing_else() -> None:
    """A session policy is an intersection: what it does not allow, the role cannot give."""
    aws = Aws()
    assert entered(aws, "sts:GetCallerIdentity", "cloudtrail:LookupEvents") is CREDENTIALS
    policy = json.loads(aws.asked[0]["session_policy"])
    assert policy["Statement"] == [
        {
            "Effect": "Allow",
            "Action": ["cloudtrail:LookupEvents", "sts:GetCallerIdentity"],
            "Resource": "*",
        }
    ]


def test_the_session_is_the_shortest_there_is() -> None:
    """STS gives none below 900 seconds."""
    aws = Aws()
    entered(aws, "cloudtrail:LookupEvents")
    assert aws.asked[0]["duration"] == timedelta(seconds=900)


@pytest.mark.parametrize(
    ("access", "role"), [(Access.READ, "Support-ReadOnly"), (Access.CASE, "Support-Cases")]
)
def test_the_session_carries_what_it_was_given(access: Access, role: str) -> None:
    """A twin of a revoked session has its tag, and every session says who it is."""
    aws = Aws()
    entered(aws, "cloudtrail:LookupEvents", access=access)
    (claims,), (asked,) = aws.claims, aws.asked
    arn = f"arn:aws:iam::111122223333:role/Acme-{role}"
    assert (asked["identity_token"], asked["role_arn"]) == ("signed", arn)
    assert asked["role_session_name"] == "broker-activity@activity-5e5e5e5e"
    assert claims[ROLES_CLAIM] == [arn]
    assert claims[SOURCE_IDENTITY_CLAIM] == BROKER
    assert claims["iss"] == account().issuer
    assert claims["sub"] == "support:111122223333"
    assert claims[TAGS_CLAIM]["principal_tags"] == {
        "Ticket": [TICKET],
        "Session": [SESSION],
        "Engineer": [BROKER],
    }


def test_each_session_has_a_token_of_its_own() -> None:
    """A `jti` twice would be one token twice."""
    aws = Aws()
    entered(aws, "cloudtrail:LookupEvents")
    entered(aws, "cloudtrail:LookupEvents")
    assert len({claims["jti"] for claims in aws.claims}) == 2


def test_a_session_for_nothing_is_a_mistake() -> None:
    """Without a policy it could do all that its role may, so AWS is not even asked."""
    aws = Aws()
    with pytest.raises(ValueError, match="names what it is for"):
        entered(aws)
    assert (aws.claims, aws.asked) == ([], [])


@pytest.mark.parametrize("error", [UpstreamRejected("No."), DependencyUnavailable("Later.")])
def test_a_refusal_is_passed_on(error: BrokerError) -> None:
    """Whoever asked decides what it means."""
    with pytest.raises(type(error)):
        entered(Aws(error=error), "cloudtrail:LookupEvents")
