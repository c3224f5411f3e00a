"""ID tokens as bearers: from real flows, and spoilt in one way at a time."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import timedelta
from html import unescape

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from broker.domain.identity.identity_claims import LEEWAY
from tests.e2e.organisation import OTHER, WEB
from tests.integration.sign_in.world import SITE, World, problem

STRANGER_EC = ec.generate_private_key(ec.SECP256R1())
STRANGER_RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def accepted(world: World, token: str) -> dict[str, object]:
    """What the API says of the bearer."""
    with world.with_token(token) as client:
        answer = client.get("/v1/me")
    assert answer.status_code == 200, answer.text
    told: dict[str, object] = answer.json()
    return told


def refused(world: World, token: str, reason: str) -> None:
    """A 401 with its reason, the same in the ledger, and the token in neither."""
    before = len(world.ledger())
    with world.with_token(token) as client:
        answer = client.get("/v1/me")
    told = problem(answer, 401, "unauthenticated", f"identity_token_{reason}")
    (entry,) = world.ledger()[before:]
    assert (entry.action, entry.outcome) == ("authentication.refused", "refused")
    assert entry.reason == f"identity_token_{reason}"
    assert entry.details == {"source_address": world.address, "credential": "identity_token"}
    assert entry.ids == {"request": told["request_id"]}
    assert len(token) < 10 or token not in answer.text


@pytest.mark.parametrize("flow", ["token_by_device_flow", "token_by_loopback"])
def test_a_token_that_a_terminal_got(world: World, flow: str) -> None:
    """By device flow (RFC 8628), or with PKCE and a redirect to itself (RFC 8252)."""
    me = accepted(world, getattr(world.provider, flow)("jane"))
    assert me["subject"] == "jane@vendor.example"
    assert me["roles"] == ["engineer"]
    assert me["signed_in_by"] == "identity_token"
    assert me["csrf_token"] is None


def test_a_real_token_of_another_service(world: World) -> None:
    """The provider signed it, for somebody else."""
    token = world.provider.token_by_device_flow("jane", client_id=OTHER)
    refused(world, token, "wrong_audience")


def test_a_real_token_once_it_has_expired(world: World) -> None:
    """To the second, with the leeway."""
    token = world.provider.token_by_device_flow("jane")
    world.clock.ahead = timedelta(seconds=600) + LEEWAY - timedelta(seconds=5)
    accepted(world, token)
    world.clock.ahead += timedelta(seconds=5)
    refused(world, token, "expired")


def test_tokens_that_have_expired_are_no_guesses(world: World) -> None:
    """A terminal that goes on with its old token locks nobody else at its address out."""
    world.limit_failures("1/300")
    for age in range(4):
        refused(world, world.provider.forged(world.claims(exp=1 + age)), "expired")
    refused(world, world.provider.forged(world.claims(), key=STRANGER_EC), "bad_signature")
    with world.with_token(world.provider.forged(world.claims(sub="nobody", aud=OTHER))) as client:
        problem(client.get("/v1/me"), 429, "rate_limited")


def test_somebody_without_a_role(world: World) -> None:
    """403 by name."""
    with world.with_token(world.provider.token_by_device_flow("rob")) as client:
        problem(client.get("/v1/me"), 403, "forbidden", "no_role")
    entry = world.last()
    assert (entry.action, entry.actor) == ("access.refused", "rob@vendor.example")


def test_a_good_token_that_we_signed_in_the_providers_stead(world: World) -> None:
    """What the cases below spoil is good: each is refused for the one thing that it changes."""
    assert accepted(world, world.provider.forged(world.claims()))["roles"] == ["engineer"]
    for algorithm in ("RS256", "PS256", "RS512"):
        token = world.provider.forged(
            world.claims(), key=world.provider.keys.rsa, kid="rsa", alg=algorithm
        )
        accepted(world, token)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"iss": "https://evil.example"}, "wrong_issuer"),
        ({"iss": None}, "missing_claims"),
        ({"sub": None}, "missing_claims"),
        ({"aud": None}, "missing_claims"),
        ({"exp": None}, "missing_claims"),
        ({"iat": None}, "missing_claims"),
        ({"email": None}, "missing_claims"),
        ({"aud": OTHER}, "wrong_audience"),
        ({"aud": WEB}, "wrong_audience"),
        ({"aud": ["broker-cli", OTHER]}, "wrong_party"),
        ({"azp": OTHER}, "wrong_party"),
        ({"exp": 1}, "expired"),
        ({"iat": 4102444800}, "not_yet_valid"),
        ({"nbf": 4102444800}, "not_yet_valid"),
        ({"exp": "soon"}, "malformed"),
        ({"email_verified": False}, "unverified_email"),
        ({"email_verified": None}, "unverified_email"),
        ({"email": "jane doe"}, "bad_subject"),
        ({"groups": "support"}, "bad_groups"),
    ],
)
def test_one_claim_changed(world: World, changed: dict[str, object], reason: str) -> None:
    """Under a good signature of the provider's own key."""
    refused(world, world.provider.forged(world.claims(**changed)), reason)


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        ({"typ": "at+jwt"}, "wrong_type"),
        ({"typ": "logout+jwt"}, "wrong_type"),
        ({"typ": ["JWT"]}, "wrong_type"),
        ({"crit": ["exp"], "exp": 1}, "malformed"),
        ({"crit": []}, "malformed"),
        ({"crit": ["b64"], "b64": True}, "malformed"),
        ({"alg": "HS256", "kid": "unheard-of"}, "wrong_algorithm"),
        ({"kid": "unheard-of"}, "unknown_key"),
        ({"kid": None}, "unknown_key"),
        ({"kid": "rsa"}, "wrong_algorithm"),
    ],
)
def test_one_member_of_the_header_changed(
    world: World, header: dict[str, object], reason: str
) -> None:
    """Under a good signature of the provider's own key."""
    refused(world, signed(world, **header), reason)


@pytest.mark.parametrize("header", [{"typ": None}, {"typ": "jwt"}, {"jku": "https://evil.example"}])
def test_what_the_header_may_say(world: World, header: dict[str, object]) -> None:
    """Nothing is fetched from where a token says."""
    accepted(world, signed(world, **header))


def signed(world: World, **changed: object) -> str:
    """A token with whatever header, signed by hand with the provider's EC key."""
    header = {"alg": "ES256", "kid": "ec", "typ": "JWT", **changed}
    header = {name: value for name, value in header.items() if value is not None}
    content = f"{segment(header)}.{segment(world.claims())}"
    signature = world.provider.keys.ec.sign(content.encode(), ec.ECDSA(hashes.SHA256()))
    r, s = decode_dss_signature(signature)
    return f"{content}.{text(r.to_bytes(32) + s.to_bytes(32))}"


def segment(members: object) -> str:
    """A part of a compact JWS."""
    return text(json.dumps(members).encode())


def text(octets: bytes) -> str:
    """Base64url without padding."""
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def test_a_key_that_is_not_the_providers(world: World) -> None:
    """Under a key id that is."""
    refused(world, world.provider.forged(world.claims(), key=STRANGER_EC), "bad_signature")
    token = world.provider.forged(world.claims(), key=STRANGER_RSA, kid="rsa", alg="RS256")
    refused(world, token, "bad_signature")


def test_a_claim_changed_under_the_old_signature(world: World) -> None:
    """Tampered with on the way."""
    header, _, signature = world.provider.token_by_device_flow("rob").split(".")
    refused(world, f"{header}.{segment(world.claims())}.{signature}", "bad_signature")


def test_a_signature_cut_or_taken_away(world: World) -> None:
    """Every bit of it counts."""
    header, claims, signature = world.provider.forged(world.claims()).split(".")
    refused(world, f"{header}.{claims}.{signature[:80]}", "bad_signature")
    refused(world, f"{header}.{claims}.", "bad_signature")
    refused(world, f"{header}.{claims}", "malformed")


@pytest.mark.parametrize("algorithm", ["none", "None", "nOnE", "", "ES256K", "EdDSA", None, 7])
def test_an_algorithm_that_is_none_of_ours(world: World, algorithm: object) -> None:
    """`none` in whatever spelling, and what no key of the provider is for."""
    content = f"{segment({'alg': algorithm, 'kid': 'ec'})}.{segment(world.claims())}"
    refused(world, f"{content}.", "wrong_algorithm")


def test_hmac_with_what_everybody_can_fetch(world: World) -> None:
    """HS256 with the public key, in each form that it is published in, is no signature."""
    published = world.provider.http.get("/jwks").content
    public = world.provider.keys.rsa.public_key()
    forms = [
        published,
        json.dumps(json.loads(published)["keys"][0]).encode(),
        public.public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        ),
        public.public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        ),
        b"",
    ]
    for secret in forms:
        content = f"{segment({'alg': 'HS256', 'kid': 'rsa'})}.{segment(world.claims())}"
        mac = hmac.digest(secret, content.encode(), hashlib.sha256)
        refused(world, f"{content}.{text(mac)}", "wrong_algorithm")


@pytest.mark.parametrize("token", ["x", "x.y", "x.y.z", "a.b.c.d", "..", "W10.e30.e30", "[].e30."])
def test_what_is_no_token_at_all(world: World, token: str) -> None:
    """Is refused like one that is broken."""
    refused(world, token, "malformed")


@pytest.mark.parametrize("claims", [{"sub": "\ud800"}, {"iss": "\ud800"}, {"iss": {"a": [1]}}, []])
def test_claims_that_nobody_has_signed(world: World, claims: object) -> None:
    """Whatever stands in them, they are not looked at further than to count who guesses."""
    header = segment({"alg": "ES256", "kid": "ec"})
    refused(world, f"{header}.{segment(claims)}.{text(b'0' * 64)}", "bad_signature")


def test_an_endless_token(world: World) -> None:
    """Is not even looked at."""
    groups = [f"group-{number:06}" for number in range(1500)]
    refused(world, world.provider.forged(world.claims(groups=groups)), "malformed")
    accepted(world, world.provider.forged(world.claims(groups=[*groups[:500], "support"])))


def test_an_access_token_is_no_identity_token(world: World) -> None:
    """Nor is any other of the provider's tokens."""
    with world.with_token("AbC123_-opaque-access-token") as client:
        answer = client.get("/v1/me")
    problem(answer, 401, "unauthenticated", "identity_token_malformed")


def test_a_key_that_the_provider_begins_to_publish(world: World) -> None:
    """Strangers' key ids made nobody fetch again, within the floor between two fetches."""
    fetched = world.count_fetches()
    for number in range(8):
        refused(world, signed(world, kid=f"made-up-{number}"), "unknown_key")
    assert fetched() <= 1


def test_no_bearer_of_people_where_no_client_is_named(world: World) -> None:
    """Without BROKER_OIDC_CLI_CLIENT_ID an ID token is no credential."""
    token = world.provider.forged(world.claims())
    world.take_no_identity_tokens()
    with world.with_token(token) as client:
        problem(client.get("/v1/me"), 401, "unauthenticated")
    assert world.last().reason == "identity_token_not_taken"


def test_a_provider_that_cannot_be_reached(world: World) -> None:
    """503 and another try, never a 401 that says that the token was wrong, nor a pass."""
    token = world.provider.forged(world.claims())
    world.lose_provider()
    with world.with_token(token) as client:
        answer = client.get("/v1/me")
    problem(answer, 503, "sign_in_unavailable", "provider_unreachable")
    assert answer.headers["Retry-After"]
    with world.browser() as browser:
        answer = browser.http.get(f"{SITE}/sign-in")
        page = browser.http.get(f"{SITE}/sign-in", headers={"Accept": "text/html"})
    problem(answer, 503, "sign_in_unavailable", "provider_unreachable")
    assert page.status_code == 503
    assert page.headers["Retry-After"]
    assert "Your organisation's sign-in cannot be reached." in unescape(page.text)
