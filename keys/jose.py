"""JOSE's forms of keys and signatures: base64url, JWK, thumbprint, r || s, compact JWS.

Nothing here verifies a token; what comes from outside is verified with PyJWT, elsewhere.
"""

import binascii
import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import load_der_public_key
from pydantic_core import to_json

from keys.errors import InvalidKey, InvalidSignature, SigningInputTooLarge
from keys.types import Algorithm, EcParameters, Kid, PublicJwk, RsaParameters, Signer

MAX_SIGNING_INPUT = 4096
"""Bytes that KMS signs as MessageType RAW; the local provider keeps the same limit."""

P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
"""The order n of the group of P-256 (FIPS 186-4, D.1.2.3); r and s lie below it."""

_COORDINATE_BYTES = 32
_SMALLEST_RSA_BITS = 2048
_FROM_URL_SAFE = bytes.maketrans(b"-_", b"+/")


def b64url_encode(octets: bytes) -> str:
    """Base64url without padding (RFC 7515 section 2)."""
    encoded = binascii.b2a_base64(octets, newline=False).rstrip(b"=")
    return encoded.replace(b"+", b"-").replace(b"/", b"_").decode("ascii")


def b64url_decode(text: str) -> bytes:
    """The octets of base64url without padding.

    Raises ValueError for anything but the one text that `b64url_encode` gives for these octets:
    padding, white space, another alphabet, bits that are set past the last octet.
    """
    padded = text.encode("ascii").translate(_FROM_URL_SAFE) + b"=" * (-len(text) % 4)
    octets = binascii.a2b_base64(padded)
    if b64url_encode(octets) != text:
        raise ValueError("not base64url without padding")
    return octets


def public_jwk_from_spki(der: bytes) -> PublicJwk:
    """The JWK of a DER-encoded SubjectPublicKeyInfo, which is what KMS GetPublicKey returns.

    Raises InvalidKey unless it is a key of P-256 or an RSA key of at least 2,048 bits.
    """
    try:
        key = load_der_public_key(der)
    except (ValueError, UnsupportedAlgorithm) as e:
        raise InvalidKey("not a DER-encoded public key") from e
    return public_jwk(key)


def public_jwk(key: PublicKeyTypes) -> PublicJwk:
    """The JWK of a public key, its thumbprint as kid.

    Raises InvalidKey unless it is a key of P-256 or an RSA key of at least 2,048 bits.
    """
    match key:
        case ec.EllipticCurvePublicKey(curve=ec.SECP256R1()):
            point = key.public_numbers()
            return _named(
                Algorithm.ES256,
                EcParameters(
                    crv="P-256",
                    x=b64url_encode(point.x.to_bytes(_COORDINATE_BYTES, "big")),
                    y=b64url_encode(point.y.to_bytes(_COORDINATE_BYTES, "big")),
                ),
            )
        case rsa.RSAPublicKey() if key.key_size >= _SMALLEST_RSA_BITS:
            numbers = key.public_numbers()
            return _named(
                Algorithm.RS256, RsaParameters(n=_b64url_uint(numbers.n), e=_b64url_uint(numbers.e))
            )
        case _:
            raise InvalidKey("a signing key must be of P-256, or RSA of at least 2,048 bits")


def thumbprint(parameters: EcParameters | RsaParameters) -> Kid:
    """The JWK thumbprint with SHA-256 (RFC 7638 section 3), base64url without padding."""
    required_members = {"kty": parameters.kty, **asdict(parameters)}
    canonical = json.dumps(
        required_members, sort_keys=True, separators=(",", ":"), ensure_ascii=False
    )
    return Kid(b64url_encode(hashlib.sha256(canonical.encode("utf-8")).digest()))


def is_private_jwk(members: Mapping[str, object]) -> bool:
    """Whether a JWK is a private key, or made to look like one (RFC 7518 sections 6.2.2, 6.3.2).

    To be asked of a key from outside before anybody reads it: to look for the primes of a private
    key that somebody has made up takes hours if it is large, and cannot be interrupted.
    """
    return "d" in members


def raw_p256_signature(der: bytes) -> bytes:
    """The 64 bytes r || s (RFC 7518 section 3.4) of a DER-encoded ECDSA-Sig-Value (RFC 3279).

    Raises InvalidSignature for trailing bytes, and for r or s outside 1 .. n-1.
    """
    try:
        r, s = decode_dss_signature(der)
    except ValueError as e:
        raise InvalidSignature("not a DER-encoded ECDSA signature") from e
    if not (0 < r < P256_ORDER and 0 < s < P256_ORDER):
        raise InvalidSignature("r or s is out of the range of P-256")
    return r.to_bytes(_COORDINATE_BYTES, "big") + s.to_bytes(_COORDINATE_BYTES, "big")


def refuse_too_large(signing_input: bytes) -> None:
    """Raise SigningInputTooLarge past what KMS signs; every signer calls it first."""
    if len(signing_input) > MAX_SIGNING_INPUT:
        raise SigningInputTooLarge(
            f"{len(signing_input)} bytes to sign, at most {MAX_SIGNING_INPUT} are possible"
        )


def encode_jws(claims: Mapping[str, object], *, signer: Signer, typ: str) -> str:
    """Sign the claims into a JWS in compact form (RFC 7515 section 7.1).

    `typ` tells one kind of signed object from another (RFC 8725 section 3.11).
    Raises what `Signer.sign` raises.
    """
    header = {"alg": signer.algorithm.value, "kid": signer.kid, "typ": typ}
    signing_input = f"{_json_segment(header)}.{_json_segment(claims)}"
    signature = signer.sign(signing_input.encode("ascii"))
    return f"{signing_input}.{b64url_encode(signature)}"


def _json_segment(members: Mapping[str, object]) -> str:
    # pydantic's serialiser takes a quarter of the time of the standard library's, which is felt
    # here: with P-256 the encoding would otherwise cost half as much as the signature.
    return b64url_encode(to_json(members))


def _named(algorithm: Algorithm, parameters: EcParameters | RsaParameters) -> PublicJwk:
    return PublicJwk(algorithm=algorithm, kid=thumbprint(parameters), parameters=parameters)


def _b64url_uint(number: int) -> str:
    """Base64urlUInt (RFC 7518 section 2): big-endian, no leading zero octets."""
    return b64url_encode(number.to_bytes((number.bit_length() + 7) // 8, "big"))
