"""An independent relying party accepts the issuer, and nothing but its tokens.

The checking code is `relying_party/verify.mjs`: openid-client and jose, and nothing of ours.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from broker.cli.demo.stage import Customer, Stage
from tests.e2e.minting import Account, Mint
from tests.e2e.programs import run
from tests.e2e.world import METADATA, TICKET, Callers, World

RELYING_PARTY = Path(__file__).with_name("relying_party")
AUDIENCE = "sts.amazonaws.com"


@dataclass(frozen=True)
class Signing:
    """A stage whose keys are of one algorithm, with two accounts on it."""

    algorithm: str
    home: Path
    mint: Mint
    account: Account
    other: Account

    def judgement(self, token: str, *, issuer: str | None = None) -> Mapping[str, Any]:
        """What the relying party that trusts `issuer` (the account's) says of the token."""
        asked = {
            "issuer": issuer or self.account["issuer"],
            "token": token,
            "audience": AUDIENCE,
            "algorithms": [self.algorithm],
        }
        ran = run(
            "node",
            str(RELYING_PARTY / "verify.mjs"),
            home=self.home,
            environment={},
            stdin=json.dumps(asked),
        )
        assert ran.status == 0, ran.err
        judged: Mapping[str, Any] = json.loads(ran.out)
        return judged

    def refusal(self, token: str) -> str:
        """The code with which the relying party refuses the token."""
        judged = self.judgement(token)
        assert judged["accepted"] is False, judged
        return str(judged["code"])


@pytest.fixture(scope="module")
def rs256_stage(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[Stage, Customer, Customer]]:
    """A small stage of its own, because the algorithm is one for all new keys."""
    folder = tmp_path_factory.mktemp("rs256")
    settings = {"BROKER_KEY_ALGORITHM": "RS256", "BROKER_WORKERS": "1"}
    with ExitStack() as stack:
        stage = stack.enter_context(Stage(folder, settings=settings))
        console = Callers.on(stage, stack).person("console", "console")
        first, second = (stage.onboard(console.http, account) for account in ("1" * 12, "2" * 12))
        yield stage, first, second


@pytest.fixture(params=["ES256", "RS256"])
def signing(request: pytest.FixtureRequest, world: World) -> Signing:
    """Each test of this file runs once with either algorithm."""
    if request.param == "ES256":
        accounts = (world.metadata.account, world.full.account)
        return Signing("ES256", world.home, world.mint, *accounts)
    stage, first, second = request.getfixturevalue("rs256_stage")
    return Signing("RS256", world.home, Mint.of(stage), first.account, second.account)


def test_discovery_and_a_minted_token_are_accepted(signing: Signing) -> None:
    """openid-client accepts discovery, and jose a token that the account's active key signed."""
    judged = signing.judgement(signing.mint.token(signing.account))
    assert judged["accepted"] is True, judged
    assert judged["metadata"]["issuer"] == signing.account["issuer"]
    assert judged["metadata"]["id_token_signing_alg_values_supported"] == [signing.algorithm]
    assert judged["header"] == {
        "alg": signing.algorithm,
        "kid": signing.mint.signer(signing.account).kid,
        "typ": "JWT",
    }
    assert judged["claims"]["sub"] == f"support:{signing.account['account_id']}"
    assert judged["claims"]["aud"] == AUDIENCE


def test_the_token_of_a_real_session_is_accepted(world: World) -> None:
    """The token that the broker itself sent to AWS verifies and names ticket and engineer."""
    session = world.session(METADATA)["session"]
    accounts = (world.metadata.account, world.full.account)
    signing = Signing("ES256", world.home, world.mint, *accounts)
    judged = signing.judgement(world.wire.identity_token(session["jti"]))
    assert judged["accepted"] is True, judged
    claims = judged["claims"]
    assert claims["jti"] == session["jti"]
    assert claims["https://aws.amazon.com/source_identity"] == session["engineer"]
    assert claims["https://aws.amazon.com/roles"] == [session["role_arn"]]
    assert claims["https://aws.amazon.com/tags"]["principal_tags"] == {
        "Ticket": [TICKET],
        "Session": [session["id"]],
        "Engineer": [session["engineer"]],
    }
    assert "azp" not in claims


def test_the_staged_key_is_known_before_it_signs(signing: Signing) -> None:
    """A token of the key that will sign next verifies already: a rotation surprises nobody."""
    staged = signing.mint.signer(signing.account, state="published")
    judged = signing.judgement(signing.mint.token(signing.account, signer=staged))
    assert judged["accepted"] is True, judged
    assert judged["header"]["kid"] == staged.kid


def test_a_tampered_token_is_refused(signing: Signing) -> None:
    """One changed claim under the old signature is noticed."""
    token = signing.mint.token(signing.account)
    forged = _with_claims(token, sub="support:999999999999")
    assert signing.refusal(forged) == "ERR_JWS_SIGNATURE_VERIFICATION_FAILED"


def test_a_token_of_another_account_is_refused(signing: Signing) -> None:
    """Another account's token verifies under its own issuer and under no other (promise 1)."""
    token = signing.mint.token(signing.other)
    assert signing.judgement(token, issuer=signing.other["issuer"])["accepted"] is True
    assert signing.refusal(token) == "ERR_JWKS_NO_MATCHING_KEY"


def test_a_token_that_another_accounts_key_signed_is_refused(signing: Signing) -> None:
    """Right claims and the right kid do not help a key that is not the account's."""
    theirs = signing.mint.signer(signing.other)
    own_kid = signing.mint.signer(signing.account).kid
    disguised = type(theirs)(own_kid, theirs.algorithm, theirs.arn, theirs.client)
    token = signing.mint.token(signing.account, signer=disguised)
    assert signing.refusal(token) == "ERR_JWS_SIGNATURE_VERIFICATION_FAILED"


def test_an_expired_token_is_refused(signing: Signing) -> None:
    """Minutes after it was made, a token is worth nothing."""
    token = signing.mint.token(signing.account, now=datetime.now(UTC) - timedelta(minutes=6))
    assert signing.refusal(token) == "ERR_JWT_EXPIRED"


@pytest.mark.parametrize(
    ("claim", "value"), [("aud", "another.audience"), ("iss", "https://example.com/oidc/another")]
)
def test_a_token_with_another_name_in_it_is_refused(
    signing: Signing, claim: str, value: str
) -> None:
    """Audience and issuer are compared even where the signature is right."""
    token = signing.mint.token(signing.account, spoil=lambda claims: {**claims, claim: value})
    assert signing.refusal(token) == "ERR_JWT_CLAIM_VALIDATION_FAILED"


def test_a_token_without_a_signature_is_refused(signing: Signing) -> None:
    """`alg: none` is not among the algorithms that discovery names."""
    payload = signing.mint.token(signing.account).split(".")[1]
    token = f"{_segment({'alg': 'none', 'typ': 'JWT'})}.{payload}."
    assert signing.refusal(token) == "ERR_JOSE_ALG_NOT_ALLOWED"


def test_a_token_signed_with_the_public_key_as_secret_is_refused(signing: Signing) -> None:
    """HS256 with what everybody can fetch is not a signature."""
    token = signing.mint.token(signing.account)
    published = httpx.get(f"{signing.account['issuer']}/jwks.json", trust_env=False).content
    kid = signing.mint.signer(signing.account).kid
    content = f"{_segment({'alg': 'HS256', 'kid': kid, 'typ': 'JWT'})}.{token.split('.')[1]}"
    mac = hmac.digest(published, content.encode(), hashlib.sha256)
    assert signing.refusal(f"{content}.{_base64url(mac)}") == "ERR_JOSE_ALG_NOT_ALLOWED"


def _with_claims(token: str, **claims: object) -> str:
    """The token with other claims in it and its signature left as it was."""
    header, payload, signature = token.split(".")
    present = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return f"{header}.{_segment({**present, **claims})}.{signature}"


def _segment(members: Mapping[str, object]) -> str:
    return _base64url(json.dumps(members).encode())


def _base64url(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()
