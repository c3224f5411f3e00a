"""From a DER-encoded ECDSA signature to r || s, and the compact form of a JWS."""

import json

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)
from hypothesis import given
from hypothesis import strategies as st

from keys.errors import InvalidSignature, SigningInputTooLarge
from keys.jose import (
    MAX_SIGNING_INPUT,
    P256_ORDER,
    b64url_decode,
    b64url_encode,
    encode_jws,
    raw_p256_signature,
    refuse_too_large,
)
from keys.types import Algorithm, Kid

# RFC 7515 appendix A.3.1: the public key, the signing input and its signature.
RFC7515_KEY = {
    "kty": "EC",
    "crv": "P-256",
    "alg": "ES256",
    "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
    "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
}
RFC7515_PROTECTED = '{"alg":"ES256"}'
RFC7515_PROTECTED_SEGMENT = "eyJhbGciOiJFUzI1NiJ9"
RFC7515_PAYLOAD = '{"iss":"joe",\r\n "exp":1300819380,\r\n "http://example.com/is_root":true}'
RFC7515_PAYLOAD_SEGMENT = (
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
)
RFC7515_SIGNATURE_SEGMENT = (
    "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
)
RFC7515_R_AND_S = bytes.fromhex(
    "0ed1215379636c483c2f7f155807d402a3b228033af97c7e17819ac3169ea665"
    "c50a07d38c3c70e5d8f12daf084a5480a66590c5f293509a8f3f7f8a83a354d5"
)


class RecordedSigner:
    """Signs with one fixed signature and keeps what it was given to sign."""

    kid = Kid("a-kid")
    algorithm = Algorithm.ES256

    def __init__(self, signature: bytes) -> None:
        self._signature = signature
        self.signed: list[bytes] = []

    def sign(self, signing_input: bytes) -> bytes:
        self.signed.append(signing_input)
        return self._signature


def test_base64url_of_rfc_7515_a_3():
    """Header, payload and signature of the appendix, each in both directions."""
    for octets, segment in (
        (RFC7515_PROTECTED.encode(), RFC7515_PROTECTED_SEGMENT),
        (RFC7515_PAYLOAD.encode(), RFC7515_PAYLOAD_SEGMENT),
        (RFC7515_R_AND_S, RFC7515_SIGNATURE_SEGMENT),
    ):
        assert b64url_encode(octets) == segment
        assert b64url_decode(segment) == octets


def test_r_and_s_of_rfc_7515_a_3():
    """The appendix's R and S as DER (here S has its high bit set) give its 64 octets back.

    The octets verify over its signing input, so that nothing was mistyped on both sides.
    """
    r = int.from_bytes(RFC7515_R_AND_S[:32], "big")
    s = int.from_bytes(RFC7515_R_AND_S[32:], "big")
    key = jwt.PyJWK(RFC7515_KEY)
    signing_input = f"{RFC7515_PROTECTED_SEGMENT}.{RFC7515_PAYLOAD_SEGMENT}".encode()

    raw = raw_p256_signature(encode_dss_signature(r, s))

    assert raw == RFC7515_R_AND_S
    assert key.Algorithm.verify(signing_input, key.key, raw)


@pytest.mark.parametrize(
    ("r", "s"),
    [
        (1, 1),
        (0x7F, 0x80),
        (2**247, 2**248 - 1),
        (2**255 - 1, 2**255),
        (P256_ORDER - 1, P256_ORDER - 1),
    ],
    ids=["smallest", "high bit of one octet", "31 octets", "high bit set", "largest"],
)
def test_every_size_of_r_and_s_fills_32_octets(r, s):
    """Short numbers are padded on the left, DER's extra zero octet is dropped."""
    raw = raw_p256_signature(encode_dss_signature(r, s))

    assert raw == r.to_bytes(32, "big") + s.to_bytes(32, "big")


@given(r=st.integers(1, P256_ORDER - 1), s=st.integers(1, P256_ORDER - 1))
def test_conversion_loses_nothing(r, s):
    """64 octets always, from which both numbers can be read again."""
    raw = raw_p256_signature(encode_dss_signature(r, s))

    assert len(raw) == 64
    assert (int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big")) == (r, s)


@pytest.mark.parametrize(
    "der",
    [
        b"",
        bytes.fromhex("300602010102010100"),
        bytes.fromhex("3009020101020101020101"),
        bytes.fromhex("30060201010201"),
        bytes.fromhex("3006020181020101"),
        bytes.fromhex("300702020001020101"),
        bytes.fromhex("308106020101020101"),
        bytes.fromhex("30800201010201010000"),
        bytes.fromhex("3106020101020101"),
        RFC7515_R_AND_S,
    ],
    ids=[
        "empty",
        "trailing octet",
        "third number",
        "cut",
        "negative r",
        "r with a needless zero",
        "length in the long form",
        "indefinite length",
        "set instead of sequence",
        "r || s already",
    ],
)
def test_what_is_not_der_is_refused(der):
    """Only the one DER encoding of two positive numbers is taken."""
    with pytest.raises(InvalidSignature, match="not a DER-encoded ECDSA signature"):
        raw_p256_signature(der)


@pytest.mark.parametrize(
    ("r", "s"),
    [(0, 1), (1, 0), (P256_ORDER, 1), (1, P256_ORDER), (2**256, 1), (1, 2**384)],
)
def test_numbers_outside_the_group_are_refused(r, s):
    """Zero, the order itself, and what does not fit into 32 octets."""
    with pytest.raises(InvalidSignature, match="range of P-256"):
        raw_p256_signature(encode_dss_signature(r, s))


@given(octets=st.binary(max_size=80))
def test_any_octets_convert_or_are_refused(octets):
    """Nothing but InvalidSignature comes out of garbage; what converts was DER of it."""
    try:
        raw = raw_p256_signature(octets)
    except InvalidSignature:
        return
    assert decode_dss_signature(octets) == (
        int.from_bytes(raw[:32], "big"),
        int.from_bytes(raw[32:], "big"),
    )


def test_compact_form():
    """Header, claims and signature; what is signed is exactly what stands before the last dot."""
    signer = RecordedSigner(RFC7515_R_AND_S)

    jws = encode_jws({"iss": "joe", "exp": 1300819380}, signer=signer, typ="JWT")

    header, claims, signature = jws.split(".")
    assert json.loads(b64url_decode(header)) == {"alg": "ES256", "kid": "a-kid", "typ": "JWT"}
    assert b64url_decode(claims) == b'{"iss":"joe","exp":1300819380}'
    assert b64url_decode(signature) == RFC7515_R_AND_S
    assert signer.signed == [f"{header}.{claims}".encode()]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(), children),
    max_leaves=8,
)


@given(claims=st.dictionaries(st.text(), json_values, max_size=5))
def test_any_json_comes_back_as_it_was(claims):
    """Quotes, line ends and letters of every script survive the way into the claims segment."""
    jws = encode_jws(claims, signer=RecordedSigner(b"x"), typ="JWT")

    assert json.loads(b64url_decode(jws.split(".")[1])) == claims


def test_the_bound_of_the_signing_input():
    """4,096 octets pass, 4,097 do not, and the sentence says both numbers."""
    refuse_too_large(bytes(MAX_SIGNING_INPUT))

    with pytest.raises(SigningInputTooLarge, match=r"4097 bytes.*at most 4096"):
        refuse_too_large(bytes(MAX_SIGNING_INPUT + 1))
