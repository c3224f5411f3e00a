"""Throwaway keys, their JWKs, and tokens signed with them, right or wrong as a test wants."""

import base64
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import get_default_algorithms

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
Jwk = dict[str, Any]

SIGNERS = get_default_algorithms()
CURVES = {
    "ES256": ("P-256", ec.SECP256R1()),
    "ES384": ("P-384", ec.SECP384R1()),
    "ES512": ("P-521", ec.SECP521R1()),
}


@cache
def rsa_key(number: int) -> rsa.RSAPrivateKey:
    """The RSA key of this number, the same throughout one test run."""
    del number  # it only tells the cached keys apart
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@cache
def ec_key(algorithm: str, number: int = 1) -> ec.EllipticCurvePrivateKey:
    """The EC key of this number on this algorithm's curve."""
    del number
    return ec.generate_private_key(CURVES[algorithm][1])


def key_for(algorithm: str) -> PrivateKey:
    """The key that signs tokens of this algorithm unless a test wants another."""
    return rsa_key(1) if algorithm.startswith("RS") else ec_key(algorithm)


def jwk(key: PrivateKey, **members: Any) -> Jwk:
    """The public JWK with these further members; one of None is left out."""
    public = key.public_key()
    if isinstance(public, rsa.RSAPublicKey):
        numbers = {"kty": "RSA", "n": _integer(public.public_numbers().n), "e": "AQAB"}
    else:
        numbers = _ec_members(public)
    merged = {**numbers, "use": "sig", **members}
    return {name: value for name, value in merged.items() if value is not None}


def six_keys() -> list[Jwk]:
    """Three RSA keys and one on each curve, with kids `rsa-1` to `rsa-3` and `ES256` to `ES512`."""
    rsa_keys = [jwk(rsa_key(number), kid=f"rsa-{number}", alg="RS256") for number in (1, 2, 3)]
    return rsa_keys + [jwk(ec_key(name), kid=name, alg=name) for name in CURVES]


def certificate(key: PrivateKey) -> str:
    """A self-signed certificate for one day, as an entry of `x5c`."""
    now = datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "issuer.example.test")])
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    return base64.b64encode(built.public_bytes(serialization.Encoding.DER)).decode()


def public_pem(key: PrivateKey) -> bytes:
    """What an attacker of HS256 takes for the shared secret."""
    return key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def signed(header: Mapping[str, Any], claims: str, key: PrivateKey) -> str:
    """A compact JWS over the claims' text, with the algorithm that the header names."""
    signing_input = f"{encode(json.dumps(header).encode())}.{encode(claims.encode())}"
    signature = SIGNERS[header["alg"]].sign(signing_input.encode(), key)
    return f"{signing_input}.{encode(signature)}"


def encode(data: bytes) -> str:
    """Base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _integer(value: int, size: int | None = None) -> str:
    return encode(value.to_bytes(size or (value.bit_length() + 7) // 8, "big"))


def _ec_members(public: ec.EllipticCurvePublicKey) -> Jwk:
    numbers, size = public.public_numbers(), (public.curve.key_size + 7) // 8
    curve = next(name for name, each in CURVES.values() if each.name == public.curve.name)
    return {
        "kty": "EC",
        "crv": curve,
        "x": _integer(numbers.x, size),
        "y": _integer(numbers.y, size),
    }
