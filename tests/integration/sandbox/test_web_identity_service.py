"""What loopback issuers cannot show: https issuers, and a token that ends during the fetch."""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, cast

import pytest
from moto.iam.models import iam_backends

from broker.sandbox.clock import Clock
from broker.sandbox.issuers.openid_fetch import Discovery, IssuerClient
from broker.sandbox.state.credentials import CredentialRegister
from broker.sandbox.state.iam_directory import IamDirectory, PolicyCache
from broker.sandbox.state.identity_providers import IdentityProviderActions
from broker.sandbox.web_identity.exchange import WebIdentityRequest, WebIdentityService
from broker.sandbox.web_identity.refusals import NOT_VALIDATED, StsCode, StsRefusal
from tests.integration.sandbox.throwaway_tokens import ec_key, jwk, signed

ISSUER = "https://issuer.example.test"
ACCOUNT_ID = "444455556666"


@dataclass(frozen=True)
class SlowIssuer:
    """An issuer whose answer takes `delay` of the sandbox's clock."""

    clock: Clock
    delay: timedelta = timedelta()

    def discovery(self, issuer: str) -> Discovery:
        assert issuer == ISSUER
        return Discovery(issuer=issuer, jwks_uri=f"{issuer}/jwks", algorithms=frozenset())

    def keys(self, discovery: Discovery) -> Sequence[Mapping[str, Any]]:
        assert discovery.jwks_uri == f"{ISSUER}/jwks"
        self.clock.set_offset(self.delay)
        return (jwk(ec_key("ES256"), kid="active"),)


def exchange(*, claims: Mapping[str, Any], delay: timedelta = timedelta()) -> dict[str, Any]:
    """A call at a role that trusts the issuer without any condition."""
    clock = Clock()
    issuers = cast("IssuerClient", SlowIssuer(clock, delay))
    service = WebIdentityService(
        clock=clock,
        iam=IamDirectory(PolicyCache()),
        register=CredentialRegister(clock),
        issuers=issuers,
    )
    plain = {"iss": ISSUER, "sub": "s", "aud": "client-a", "iat": int(time.time())}
    text = json.dumps({**plain, "exp": int(time.time()) + 60, **claims})
    token = signed({"alg": "ES256", "kid": "active"}, text, ec_key("ES256"))
    return service.assume(
        WebIdentityRequest(role_arn=role_arn(issuers), session_name="session", token=token)
    )


def role_arn(issuers: IssuerClient) -> str:
    """The role in moto's own state, made with its provider at the first call."""
    iam = iam_backends[ACCOUNT_ID]["aws"]
    existing = [role.arn for role in iam.get_roles()]
    if existing:
        return str(existing[0])
    created = IdentityProviderActions(issuers).create(
        iam, {"Url": ISSUER, "ClientIDList": ["client-a"]}
    )
    assert created is not None
    statement = {
        "Effect": "Allow",
        "Principal": {"Federated": created["OpenIDConnectProviderArn"]},
        "Action": "sts:AssumeRoleWithWebIdentity",
    }
    trust = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    return str(
        iam.create_role(
            role_name="federated",
            assume_role_policy_document=trust,
            path="/",
            permissions_boundary=None,
            description="",
            tags=[],
            max_session_duration="3600",
        ).arn
    )


def test_https_issuer() -> None:
    assert exchange(claims={})["Audience"] == "client-a"


def test_issuer_with_the_default_port_finds_its_provider_but_is_not_it() -> None:
    """`iss` must be spelled as the provider's URL, in which `:443` never stands."""
    with pytest.raises(StsRefusal) as refusal:
        exchange(claims={"iss": f"{ISSUER}:443"})
    assert refusal.value.text == NOT_VALIDATED


def test_token_that_ends_while_its_keys_are_fetched() -> None:
    """The clock is read after the fetch, not before."""
    with pytest.raises(StsRefusal) as refusal:
        exchange(claims={}, delay=timedelta(seconds=400))
    assert refusal.value.code is StsCode.EXPIRED_TOKEN
