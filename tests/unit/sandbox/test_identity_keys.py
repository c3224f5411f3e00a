"""A signature is verified with the named key of the right type, and with no other."""

import base64
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from broker.sandbox.web_identity.keys import verify_signature
from broker.sandbox.web_identity.refusals import NO_VERIFICATION_KEY, NOT_VALIDATED, StsRefusal
from broker.sandbox.web_identity.token import Algorithm, UnverifiedToken

SIGNED = b"header.claims"
RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EC = ec.generate_private_key(ec.SECP256R1())


def integer(value: int, size: int | None = None) -> str:
    data = value.to_bytes(size or (value.bit_length() + 7) // 8, "big")
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def rsa_jwk(**members: Any) -> dict[str, Any]:
    numbers = RSA.public_key().public_numbers()
    plain = {"kty": "RSA", "kid": "k", "use": "sig", "n": integer(numbers.n), "e": "AQAB"}
    return plain | members


def ec_jwk(**members: Any) -> dict[str, Any]:
    numbers = EC.public_key().public_numbers()
    plain = {"kty": "EC", "kid": "k", "use": "sig", "crv": "P-256"}
    return plain | {"x": integer(numbers.x, 32), "y": integer(numbers.y, 32)} | members


def ec_signature() -> bytes:
    r, s = decode_dss_signature(EC.sign(SIGNED, ec.ECDSA(hashes.SHA256())))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def token(algorithm: Algorithm, signature: bytes) -> UnverifiedToken:
    return UnverifiedToken(
        algorithm=algorithm, kid="k", claims={}, signing_input=SIGNED, signature=signature
    )


def rsa_token() -> UnverifiedToken:
    return token(Algorithm.RS256, RSA.sign(SIGNED, padding.PKCS1v15(), hashes.SHA256()))


def ec_token() -> UnverifiedToken:
    return token(Algorithm.ES256, ec_signature())


def refusal_of(presented: UnverifiedToken, jwk: dict[str, Any]) -> str:
    with pytest.raises(StsRefusal) as refusal:
        verify_signature(presented, [jwk])
    return refusal.value.text


def test_right_keys_verify() -> None:
    """The keys that every refusal below changes in one thing."""
    verify_signature(rsa_token(), [rsa_jwk()])
    verify_signature(ec_token(), [ec_jwk()])


def test_key_of_another_type_is_no_key() -> None:
    """An EC key never verifies RS256, nor an RSA key ES256, whatever the kid says."""
    assert refusal_of(rsa_token(), ec_jwk()) == NO_VERIFICATION_KEY
    assert refusal_of(ec_token(), rsa_jwk()) == NO_VERIFICATION_KEY


def test_last_key_of_a_kid_counts_even_if_unusable() -> None:
    """The last one is of another type, so there is no key for the token."""
    with pytest.raises(StsRefusal) as refusal:
        verify_signature(rsa_token(), [rsa_jwk(), ec_jwk()])
    assert refusal.value.text == NO_VERIFICATION_KEY


SIGNATURES = {
    "changed": bytes(64),
    "in DER": EC.sign(SIGNED, ec.ECDSA(hashes.SHA256())),
    "a byte short": ec_signature()[:-1],
    "a byte long": ec_signature() + b"\0",
    "with another hash": b"".join(
        part.to_bytes(32, "big")
        for part in decode_dss_signature(EC.sign(SIGNED, ec.ECDSA(hashes.SHA384())))
    ),
}


@pytest.mark.parametrize("signature", SIGNATURES.values(), ids=SIGNATURES)
def test_wrong_ecdsa_signature(signature: bytes) -> None:
    """r and s of 32 bytes each over SHA-256, and nothing else."""
    assert refusal_of(token(Algorithm.ES256, signature), ec_jwk()) == NOT_VALIDATED


def test_pss_signature_is_not_pkcs1() -> None:
    pss = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH)
    forged = token(Algorithm.RS256, RSA.sign(SIGNED, pss, hashes.SHA256()))
    assert refusal_of(forged, rsa_jwk()) == NOT_VALIDATED


def test_hash_is_the_algorithms() -> None:
    """A valid RS256 signature under the name of RS512."""
    forged = token(Algorithm.RS512, rsa_token().signature)
    assert refusal_of(forged, rsa_jwk()) == NOT_VALIDATED


EVEN = integer(65536)
BAD_RSA_KEYS = {
    "no use": {"use": None},
    "use in upper case": {"use": "SIG"},
    "no kid": {"kid": None},
    "no modulus": {"n": None},
    "modulus a number": {"n": 5},
    "padded modulus": {"n": "AQAB="},
    "modulus of 1,023 bits": {"n": integer(2**1022 + 1)},
    "modulus of 16,385 bits": {"n": integer(2**16384 + 1)},
    "leading zero": {"n": integer(RSA.public_key().public_numbers().n, 257)},
    "even exponent": {"e": EVEN},
    "exponent of 1": {"e": "AQ"},
    "empty exponent": {"e": ""},
}


@pytest.mark.parametrize("members", BAD_RSA_KEYS.values(), ids=BAD_RSA_KEYS)
def test_unusable_rsa_key(members: dict[str, Any]) -> None:
    assert refusal_of(rsa_token(), rsa_jwk(**members)) == NO_VERIFICATION_KEY


P256_ZERO = integer(0, 32)
BAD_EC_KEYS = {
    "another curve's name": {"crv": "P-384"},
    "unknown curve": {"crv": "secp256k1"},
    "no curve": {"crv": None},
    "coordinate of 31 bytes": {"x": integer(2**247, 31)},
    "coordinate of 33 bytes": {"x": integer(1, 33)},
    "point off the curve": {"y": P256_ZERO},
}


@pytest.mark.parametrize("members", BAD_EC_KEYS.values(), ids=BAD_EC_KEYS)
def test_unusable_ec_key(members: dict[str, Any]) -> None:
    assert refusal_of(ec_token(), ec_jwk(**members)) == NO_VERIFICATION_KEY


BAD_CERTIFICATES = ([], "text", [1], ["not base64!"], ["AAAA"])


@pytest.mark.parametrize("chain", BAD_CERTIFICATES, ids=repr)
def test_bad_certificate_of_any_key_spoils_the_set(chain: Any) -> None:
    """Not recorded, so refused: the certificate is another key's."""
    other = ec_jwk(kid="other", x5c=chain)
    with pytest.raises(StsRefusal) as refusal:
        verify_signature(rsa_token(), [other, rsa_jwk()])
    assert refusal.value.text == NO_VERIFICATION_KEY


def test_a_hundred_keys_of_one_type_are_not_too_many() -> None:
    others = [rsa_jwk(kid=f"other-{number}") for number in range(99)]
    verify_signature(rsa_token(), [*others, rsa_jwk()])
