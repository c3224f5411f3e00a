"""The values that describe a key: what they publish, what they refuse, how they are stored."""

import pytest
from pydantic import TypeAdapter, ValidationError

from keys.errors import InvalidKey
from keys.types import (
    Algorithm,
    EcParameters,
    KeyReference,
    Kid,
    PublicJwk,
    RsaParameters,
)

EC_KEY = PublicJwk(
    algorithm=Algorithm.ES256,
    kid=Kid("ec-kid"),
    parameters=EcParameters(crv="P-256", x="eA", y="eQ"),
)
RSA_KEY = PublicJwk(
    algorithm=Algorithm.RS256, kid=Kid("rsa-kid"), parameters=RsaParameters(n="bg", e="AQAB")
)


def test_an_ec_key_publishes_these_members_and_no_other():
    """No `key_ops`, no `x5c`: STS refuses or ignores them."""
    assert EC_KEY.as_dict() == {
        "kty": "EC",
        "use": "sig",
        "alg": "ES256",
        "kid": "ec-kid",
        "crv": "P-256",
        "x": "eA",
        "y": "eQ",
    }


def test_an_rsa_key_publishes_these_members_and_no_other():
    """The same common members, with modulus and exponent."""
    assert RSA_KEY.as_dict() == {
        "kty": "RSA",
        "use": "sig",
        "alg": "RS256",
        "kid": "rsa-kid",
        "n": "bg",
        "e": "AQAB",
    }


def test_published_members_are_plain_text():
    """An enum among them would serialise differently from one JSON encoder to the next."""
    assert {type(value) for value in EC_KEY.as_dict().values()} == {str}


@pytest.mark.parametrize(
    ("algorithm", "parameters"),
    [(Algorithm.RS256, EC_KEY.parameters), (Algorithm.ES256, RSA_KEY.parameters)],
)
def test_a_key_of_another_type_than_its_algorithm_cannot_be_made(algorithm, parameters):
    """The confusion of algorithm and key is refused where the value is made."""
    with pytest.raises(InvalidKey, match="cannot sign"):
        PublicJwk(algorithm=algorithm, kid=Kid("kid"), parameters=parameters)


@pytest.mark.parametrize("public_jwk", [EC_KEY, RSA_KEY], ids=["EC", "RSA"])
def test_a_reference_survives_the_store(public_jwk):
    """Written as JSON and read back it is equal, types included."""
    reference = KeyReference(provider="kms", locator="a-locator", public_jwk=public_jwk)
    adapter = TypeAdapter(KeyReference)

    read_back = adapter.validate_json(adapter.dump_json(reference))

    assert read_back == reference
    assert read_back.algorithm is public_jwk.algorithm
    assert read_back.kid == public_jwk.kid


def test_a_stored_reference_with_a_swapped_algorithm_is_refused():
    """A tampered record fails its validation like any other broken record."""
    reference = KeyReference(provider="kms", locator="a-locator", public_jwk=EC_KEY)
    adapter = TypeAdapter(KeyReference)
    tampered = adapter.dump_json(reference).replace(b"ES256", b"RS256")

    with pytest.raises(ValidationError, match="cannot sign RS256"):
        adapter.validate_json(tampered)
