"""Choosing the published key that a token names, and verifying the token's signature with it.

Recorded on AWS: the key is chosen by `kid`; of several with one kid the last counts; a set of
one key needs no kid in the header, but the key itself must have one; `use` must be `sig`, any
`key_ops` spoils the key, `alg` of the key is ignored; `x5c` must agree with the numbers and
cannot replace them; past 100 keys of one type no token of that type finds its key.
Unconfirmed, and refused: a key without `use`, a malformed `x5c` of any other key of the set, RSA
moduli under 1,024 or over 16,384 bits, a tiny or even exponent, leading zeros, coordinates of
the wrong length, a curve that is not the algorithm's, a single key of several types.
"""

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from broker.sandbox.web_identity import base64url
from broker.sandbox.web_identity.refusals import invalid_token, no_verification_key
from broker.sandbox.web_identity.token import Algorithm, UnverifiedToken

Jwk = Mapping[str, Any]

MAX_KEYS_OF_A_TYPE: Final = 100
RSA_BITS: Final = range(1024, 16384 + 1)


@dataclass(frozen=True)
class _RsaScheme:
    """RSASSA-PKCS1-v1_5 with one hash (RFC 7518, section 3.3)."""

    hash: hashes.HashAlgorithm
    key_type = "RSA"

    def public_key(self, jwk: Jwk) -> rsa.RSAPublicKey:
        modulus, exponent = _unsigned(jwk.get("n")), _unsigned(jwk.get("e"))
        if modulus.bit_length() not in RSA_BITS or exponent < 3 or exponent % 2 == 0:
            raise ValueError("not an RSA key that STS takes")
        return rsa.RSAPublicNumbers(e=exponent, n=modulus).public_key()

    def verify(self, jwk: Jwk, signature: bytes, signed: bytes) -> None:
        self.public_key(jwk).verify(signature, signed, padding.PKCS1v15(), self.hash)


@dataclass(frozen=True)
class _EcScheme:
    """ECDSA on the one curve that belongs to the hash (RFC 7518, section 3.4)."""

    hash: hashes.HashAlgorithm
    curve_name: str
    curve: ec.EllipticCurve
    key_type = "EC"

    @property
    def _size(self) -> int:
        return (self.curve.key_size + 7) // 8

    def public_key(self, jwk: Jwk) -> ec.EllipticCurvePublicKey:
        if jwk.get("crv") != self.curve_name:
            raise ValueError("not the algorithm's curve")
        x, y = _octets(jwk.get("x")), _octets(jwk.get("y"))
        if len(x) != self._size or len(y) != self._size:
            raise ValueError("a coordinate has the wrong length")
        numbers = ec.EllipticCurvePublicNumbers(
            x=int.from_bytes(x, "big"), y=int.from_bytes(y, "big"), curve=self.curve
        )
        return numbers.public_key()

    def verify(self, jwk: Jwk, signature: bytes, signed: bytes) -> None:
        key = self.public_key(jwk)
        if len(signature) != 2 * self._size:
            raise InvalidSignature
        r = int.from_bytes(signature[: self._size], "big")
        s = int.from_bytes(signature[self._size :], "big")
        key.verify(encode_dss_signature(r, s), signed, ec.ECDSA(self.hash))


_Scheme = _RsaScheme | _EcScheme

_SCHEMES: Final[Mapping[Algorithm, _Scheme]] = {
    Algorithm.RS256: _RsaScheme(hashes.SHA256()),
    Algorithm.RS384: _RsaScheme(hashes.SHA384()),
    Algorithm.RS512: _RsaScheme(hashes.SHA512()),
    Algorithm.ES256: _EcScheme(hashes.SHA256(), "P-256", ec.SECP256R1()),
    Algorithm.ES384: _EcScheme(hashes.SHA384(), "P-384", ec.SECP384R1()),
    Algorithm.ES512: _EcScheme(hashes.SHA512(), "P-521", ec.SECP521R1()),
}


def verify_signature(token: UnverifiedToken, keys: Sequence[Jwk]) -> None:
    """Verify the token with the key it names.

    Raises StsRefusal: one text where no usable key is published, another where one is and the
    signature does not verify with it.
    """
    scheme = _SCHEMES[token.algorithm]
    jwk = _choose(keys, key_type=scheme.key_type, kid=token.kid)
    try:
        for each in keys:
            _check_certificate(each)
        if "key_ops" in jwk:
            raise invalid_token()
        scheme.verify(jwk, token.signature, token.signing_input)
    except InvalidSignature as error:
        raise invalid_token() from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise no_verification_key() from error


def _choose(keys: Sequence[Jwk], *, key_type: str, kid: str | None) -> Jwk:
    if sum(key.get("kty") == key_type for key in keys) > MAX_KEYS_OF_A_TYPE:
        raise no_verification_key()
    if kid is None:
        named = keys if len(keys) == 1 else ()
    else:
        named = [key for key in keys if key.get("kid") == kid]
    if not named:
        raise no_verification_key()
    chosen = named[-1]
    usable = chosen.get("kid") and chosen.get("kty") == key_type and chosen.get("use") == "sig"
    if not usable:
        raise no_verification_key()
    return chosen


def _check_certificate(jwk: Jwk) -> None:
    """ValueError if the key carries certificates and the first does not certify its numbers."""
    if "x5c" not in jwk:
        return
    chain = jwk["x5c"]
    if not isinstance(chain, list) or not chain or not isinstance(chain[0], str):
        raise ValueError("x5c is not a list of certificates")
    try:
        certificate = x509.load_der_x509_certificate(base64.b64decode(chain[0], validate=True))
    except binascii.Error as error:
        raise ValueError("x5c is not base64") from error
    if certificate.public_key() != _published_key(jwk):
        raise ValueError("x5c certifies another key")


def _published_key(jwk: Jwk) -> rsa.RSAPublicKey | ec.EllipticCurvePublicKey:
    for scheme in _SCHEMES.values():
        if jwk.get("kty") == scheme.key_type and jwk.get("crv") == getattr(
            scheme, "curve_name", None
        ):
            return scheme.public_key(jwk)
    raise ValueError("not a key type that STS takes")


def _octets(value: Any) -> bytes:
    if not isinstance(value, str):
        raise ValueError("a number of the key is missing")  # noqa: TRY004
    return base64url.decode(value)


def _unsigned(value: Any) -> int:
    octets = _octets(value)
    if octets[0] == 0:
        raise ValueError("a number of the key has a leading zero")
    return int.from_bytes(octets, "big")
