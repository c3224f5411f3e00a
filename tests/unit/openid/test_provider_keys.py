"""Reading the provider's JWKS: what is for signatures, and strong enough, and nothing else."""

from __future__ import annotations

import json

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from broker.openid.keys import read_keys

RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
SHORT = rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505 - refused
P256 = ec.generate_private_key(ec.SECP256R1())
P384 = ec.generate_private_key(ec.SECP384R1())
SECP256K1 = ec.generate_private_key(ec.SECP256K1())
OKP = ed25519.Ed25519PrivateKey.generate()


def jwk(key: object, algorithm: type, **members: object) -> dict[str, object]:
    """A key as providers publish it."""
    published = json.loads(algorithm.to_jwk(key))
    published.pop("key_ops", None)
    return {**published, "kid": "one", **members}


RSA_JWK = jwk(RSA.public_key(), RSAAlgorithm)
EC_JWK = jwk(P256.public_key(), ECAlgorithm)
RSA_ALL = {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"}


@pytest.mark.parametrize(
    ("published", "algorithms"),
    [
        (RSA_JWK, RSA_ALL),
        ({**RSA_JWK, "use": "sig"}, RSA_ALL),
        ({**RSA_JWK, "alg": "PS256"}, {"PS256"}),
        (EC_JWK, {"ES256"}),
        ({**EC_JWK, "alg": "ES256"}, {"ES256"}),
        (jwk(P384.public_key(), ECAlgorithm), {"ES384"}),
    ],
)
def test_a_key_and_what_it_may_sign_with(published, algorithms):
    """By its kind, and where it says so, by its own word."""
    assert read_keys({"keys": [published]})["one"].algorithms == algorithms


@pytest.mark.parametrize(
    "published",
    [
        {**RSA_JWK, "use": "enc"},
        {**RSA_JWK, "use": ["sig"]},
        {**RSA_JWK, "alg": "HS256"},
        {**RSA_JWK, "alg": "ES256"},
        {**RSA_JWK, "alg": "none"},
        {**RSA_JWK, "alg": ["RS256"]},
        {**EC_JWK, "alg": "ES384"},
        {**EC_JWK, "crv": "P-384"},
        {**EC_JWK, "y": EC_JWK["x"]},
        {**RSA_JWK, "n": "AQAB"},
        {**RSA_JWK, "n": 7},
        {name: value for name, value in RSA_JWK.items() if name != "e"},
        {**RSA_JWK, "kty": "oct", "k": "c2VjcmV0"},
        {"kid": "one", "kty": "oct", "k": "c2VjcmV0", "alg": "HS256"},
        {**RSA_JWK, "kty": ["RSA"]},
        {**RSA_JWK, "kid": 1},
        {**RSA_JWK, "kid": ["one"]},
        {name: value for name, value in RSA_JWK.items() if name != "kid"},
        jwk(RSA, RSAAlgorithm),
        jwk(P256, ECAlgorithm),
        jwk(SHORT.public_key(), RSAAlgorithm),
        jwk(SECP256K1.public_key(), ECAlgorithm),
        jwk(OKP.public_key(), OKPAlgorithm),
        "a string",
        None,
    ],
)
def test_what_is_passed_over(published):
    """Other kinds and uses, private and short keys, what is broken; another key stays."""
    other = {**EC_JWK, "kid": "two"}
    assert read_keys({"keys": [published, other]}).keys() == {"two"}


def test_a_private_key_is_not_even_read(monkeypatch):
    """Else a JWKS of ten kilobytes keeps a process busy for hours: no search for primes begins."""
    searched = []
    monkeypatch.setattr(
        "jwt.algorithms.rsa_recover_prime_factors", lambda *numbers: searched.append(numbers)
    )
    assert read_keys({"keys": [{**RSA_JWK, "d": RSA_JWK["n"]}]}) == {}
    assert searched == []


def test_an_id_of_two_keys_names_neither():
    """Nobody knows which of them signed."""
    assert read_keys({"keys": [RSA_JWK, EC_JWK, {**EC_JWK, "kid": "two"}]}).keys() == {"two"}


@pytest.mark.parametrize(
    "document", [{}, {"keys": None}, {"keys": {}}, {"keys": "x"}, {"keys": []}]
)
def test_a_document_without_keys(document):
    """Holds none."""
    assert read_keys(document) == {}
