"""Base64url, JWK and thumbprint, against the vectors of the RFCs and against generated input."""

import base64

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from keys.errors import InvalidKey
from keys.jose import (
    b64url_decode,
    b64url_encode,
    public_jwk,
    public_jwk_from_spki,
    thumbprint,
)
from keys.types import Algorithm, EcParameters, RsaParameters

# RFC 7638 section 3.1.
RFC7638_KEY = RsaParameters(
    n="0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJEC"
    "PebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY3"
    "68QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4l"
    "Fd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw",
    e="AQAB",
)
RFC7638_THUMBPRINT = "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"

# RFC 9449 sections 4.1 (the key) and 6.1 (its thumbprint, the claim `jkt`).
RFC9449_KEY = EcParameters(
    crv="P-256",
    x="l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs",
    y="9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA",
)
RFC9449_THUMBPRINT = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"


def spki(key) -> bytes:
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def test_thumbprint_of_an_rsa_key_as_in_rfc_7638():
    """Section 3.1: the only members hashed are e, kty and n, in this order."""
    assert thumbprint(RFC7638_KEY) == RFC7638_THUMBPRINT


def test_thumbprint_of_an_ec_key_as_in_rfc_9449():
    """The required members of an EC key are crv, kty, x and y."""
    assert thumbprint(RFC9449_KEY) == RFC9449_THUMBPRINT


def test_the_example_key_of_rfc_7638_survives_der():
    """From the RFC's JWK to SubjectPublicKeyInfo by PyJWT, and back to the same JWK by us."""
    key = jwt.PyJWK({"kty": "RSA", "alg": "RS256", "n": RFC7638_KEY.n, "e": RFC7638_KEY.e}).key

    jwk = public_jwk_from_spki(spki(key))

    assert jwk.parameters == RFC7638_KEY
    assert jwk.kid == RFC7638_THUMBPRINT
    assert jwk.algorithm is Algorithm.RS256


@given(secret=st.integers(1, 2**128))
def test_coordinates_are_always_32_octets(secret):
    """RFC 7518 section 6.2.1.2: leading zero octets stay, whatever the point."""
    key = ec.derive_private_key(secret, ec.SECP256R1()).public_key()

    parameters = public_jwk(key).parameters

    assert isinstance(parameters, EcParameters)
    octets = b64url_decode(parameters.x) + b64url_decode(parameters.y)
    numbers = key.public_numbers()
    assert octets == numbers.x.to_bytes(32, "big") + numbers.y.to_bytes(32, "big")


def test_a_coordinate_with_leading_zeros_keeps_them():
    """One key of 256 has an x that fits into 31 octets: one is searched for and must be met."""
    keys = (ec.derive_private_key(n, ec.SECP256R1()).public_key() for n in range(1, 10_000))
    short = next(key for key in keys if key.public_numbers().x < 2**248)

    parameters = public_jwk(short).parameters

    assert isinstance(parameters, EcParameters)
    assert len(parameters.x) == 43
    assert b64url_decode(parameters.x)[0] == 0


@pytest.mark.parametrize(
    "key",
    [
        ec.generate_private_key(ec.SECP384R1()).public_key(),
        ec.generate_private_key(ec.SECP256K1()).public_key(),
        ed25519.Ed25519PrivateKey.generate().public_key(),
        rsa.generate_private_key(public_exponent=65537, key_size=1024).public_key(),  # noqa: S505 (refused below)
    ],
    ids=["P-384", "secp256k1", "Ed25519", "RSA-1024"],
)
def test_other_kinds_of_keys_are_refused(key):
    """Only what the broker signs with becomes a JWK."""
    with pytest.raises(InvalidKey, match=r"P-256, or RSA of at least 2,048 bits"):
        public_jwk_from_spki(spki(key))


def test_what_is_no_public_key_is_refused():
    """Empty, cut, with bytes behind it: an error of ours, with the cause chained."""
    der = spki(ec.generate_private_key(ec.SECP256R1()).public_key())

    for damaged in (b"", der[:-1], der + b"\x00", b"\x00" + der, der[:30] + bytes(len(der) - 30)):
        with pytest.raises(InvalidKey, match="not a DER-encoded public key") as raised:
            public_jwk_from_spki(damaged)
        assert raised.value.__cause__ is not None


@given(octets=st.binary(max_size=200))
def test_base64url_is_the_standard_one_without_padding(octets):
    """The same text as the standard library's, and decoding undoes it."""
    text = b64url_encode(octets)

    assert text == base64.urlsafe_b64encode(octets).decode().rstrip("=")
    assert b64url_decode(text) == octets


@given(text=st.text(alphabet="AQZaz09-_+/= \n\u00e9", max_size=12))
def test_only_one_text_stands_for_given_octets(text):
    """Whatever decodes is exactly what encoding gives: no second spelling is taken."""
    try:
        octets = b64url_decode(text)
    except ValueError:
        return
    assert b64url_encode(octets) == text


@pytest.mark.parametrize(
    "text",
    ["Zg==", "Zg=", "Zh", "Z", "Zm9vY", "Zm+v", "Zm/v", "Zm9v\n", " Zm9v", "Zm 9v", "Zm9v.", "Zé"],
)
def test_other_spellings_are_refused(text):
    """Padding, loose bits, impossible lengths, the other alphabet, white space, other letters."""
    with pytest.raises(ValueError, match=r"base64|ascii"):
        b64url_decode(text)
