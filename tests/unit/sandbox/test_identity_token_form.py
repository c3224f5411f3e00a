"""Only a well-formed JWT with one of six algorithms is taken apart at all."""

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.sandbox.web_identity.refusals import NOT_A_JWT, StsRefusal
from broker.sandbox.web_identity.token import Algorithm, parse

HEADER = '{"alg": "ES256", "kid": "k", "typ": "JWT"}'
CLAIMS = '{"iss": "https://issuer.example.test", "n": 1}'


def encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def compact(header: str | bytes = HEADER, claims: str | bytes = CLAIMS, last: str = "c2ln") -> str:
    parts = [part if isinstance(part, bytes) else part.encode() for part in (header, claims)]
    return ".".join([*map(encode, parts), last])


def with_header(**members: object) -> str:
    return compact(json.dumps({"alg": "ES256", **members}))


def test_parts_of_a_token() -> None:
    """What is signed are the first two parts as they were sent."""
    token = parse(compact())
    assert (token.algorithm, token.kid) == (Algorithm.ES256, "k")
    assert token.claims == {"iss": "https://issuer.example.test", "n": 1}
    assert token.signature == b"sig"
    assert token.signing_input == compact().rpartition(".")[0].encode()


def test_kid_may_be_missing() -> None:
    assert parse(with_header()).kid is None


def test_last_of_a_repeated_member_counts() -> None:
    assert parse(compact(claims='{"aud": "a", "aud": "b"}')).claims == {"aud": "b"}


def test_signature_does_not_print() -> None:
    """A token is a bearer's secret, and its signature is what makes it one."""
    assert "sig" not in repr(parse(compact())).replace("signing", "")


MALFORMED = {
    "empty": "",
    "no dots": "abc",
    "two parts": "e30.e30",
    "four parts": compact() + ".e30",
    "no header": "." + compact().split(".", 1)[1],
    "no claims": compact().split(".")[0] + "..c2ln",
    "no signature": compact(last=""),
    "padded signature": compact(last="c2k="),
    "unused bits set": compact(last="c2l"),
    "standard alphabet": compact(last="+/+/"),
    "white space": compact(last="c2 ln"),
    "line feed at the end": compact() + "\n",
    "length that no encoding has": compact(last="c2lnA"),
    "header not JSON": compact(header="alg"),
    "header an array": compact(header="[]"),
    "claims a string": compact(claims='"iss"'),
    "claims with trailing text": compact(claims=CLAIMS + "x"),
    "claims not UTF-8": compact(claims=b'{"iss": "\xff"}'),
    "byte order mark": compact(claims=b"\xef\xbb\xbf{}"),
    "NaN": compact(claims='{"exp": NaN}'),
    "lone surrogate": compact(claims='{"sub": "\\ud800"}'),
    "number of 5,000 digits": compact(claims='{"exp": ' + "9" * 5000 + "}"),
    "33 levels": compact(claims='{"a": ' + "[" * 32 + "]" * 32 + "}"),
    "6,000 levels": compact(claims="[" * 6000 + "]" * 6000),
    "no alg": compact(header="{}"),
    "alg null": with_header(alg=None),
    "alg a list": with_header(alg=["ES256"]),
    "alg none": with_header(alg="none"),
    "alg None": with_header(alg="None"),
    "alg in lower case": with_header(alg="es256"),
    "alg HS256": with_header(alg="HS256"),
    "alg PS256": with_header(alg="PS256"),
    "alg EdDSA": with_header(alg="EdDSA"),
    "alg ES256K": with_header(alg="ES256K"),
    "crit": with_header(crit=["custom"], custom=1),
    "crit empty": with_header(crit=[]),
    "b64 false": with_header(b64=False),
    "kid a number": with_header(kid=1),
    "kid null": with_header(kid=None),
}


@pytest.mark.parametrize("token", MALFORMED.values(), ids=MALFORMED)
def test_is_not_a_token(token: str) -> None:
    """Refused with the text that AWS gave for a header with `crit`."""
    with pytest.raises(StsRefusal) as refusal:
        parse(token)
    assert refusal.value.text == NOT_A_JWT


def test_32_levels_are_taken() -> None:
    assert parse(compact(claims='{"a": ' + "[" * 31 + "]" * 31 + "}"))


@given(
    st.text(max_size=200) | st.from_regex(r"[A-Za-z0-9_-]*(\.[A-Za-z0-9_-]*){2}", fullmatch=True)
)
def test_any_text_is_parsed_or_refused(text: str) -> None:
    """Nothing else than a refusal comes out of nonsense."""
    with pytest.raises(StsRefusal):
        parse(text)


@given(
    st.dictionaries(
        st.text(), st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists)
    )
)
def test_claims_come_out_as_they_went_in(claims: dict[str, object]) -> None:
    """Whatever JSON object is in the token, that object is read."""
    try:
        text = json.dumps(claims, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        text = b"{}"
        claims = {}
    assert parse(compact(claims=text)).claims == claims
