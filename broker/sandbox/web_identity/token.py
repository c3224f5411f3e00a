"""Taking a web identity token apart, strictly, before anything in it is believed.

Recorded on AWS: the six algorithms, the answer to `crit`, that a header needs neither `typ` nor
`kid`, and that of a repeated JSON member the last one counts. Unconfirmed, and refused with the
text recorded for `crit`: every other algorithm (`none`, HS*, PS*, EdDSA), padding, stray base64
bits, non-objects, nesting over 32, text that is not UTF-8, `b64: false` and a `kid` that is not
a string. `jku`, `x5u`, `jwk` and `x5c` in the header are ignored, as is the value of `typ`.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NoReturn

from broker.sandbox.web_identity import base64url
from broker.sandbox.web_identity.refusals import NOT_A_JWT, StsRefusal, invalid_token

MAX_NESTING = 32


class Algorithm(StrEnum):
    """The signature algorithms STS accepts; no other can be named, so none can be confused."""

    RS256 = "RS256"
    RS384 = "RS384"
    RS512 = "RS512"
    ES256 = "ES256"
    ES384 = "ES384"
    ES512 = "ES512"


@dataclass(frozen=True, kw_only=True)
class UnverifiedToken:
    """A well-formed JWT in compact form (RFC 7519): nothing in it has been checked yet."""

    algorithm: Algorithm
    kid: str | None
    claims: Mapping[str, Any]
    signing_input: bytes = field(repr=False)
    signature: bytes = field(repr=False)


def parse(token: str) -> UnverifiedToken:
    """The parts of a compact JWT; StsRefusal with AWS's text if it is not one."""
    parts = token.split(".")
    try:
        encoded_header, encoded_claims, encoded_signature = parts
        header = _json_object(base64url.decode(encoded_header))
        claims = _json_object(base64url.decode(encoded_claims))
        signature = base64url.decode(encoded_signature)
    except ValueError as error:
        raise _not_a_jwt() from error
    return UnverifiedToken(
        algorithm=_algorithm(header),
        kid=_kid(header),
        claims=claims,
        signing_input=f"{encoded_header}.{encoded_claims}".encode("ascii"),
        signature=signature,
    )


def _not_a_jwt() -> StsRefusal:
    return invalid_token(NOT_A_JWT)


def _json_object(data: bytes) -> dict[str, Any]:
    try:
        value = json.loads(data.decode("utf-8"), parse_constant=_refuse_constant)
        nesting = _nesting(value)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    if nesting > MAX_NESTING or not isinstance(value, dict):
        raise ValueError("not a JSON object, or nested too deeply")
    # An escaped lone surrogate is no character: it could never be echoed in an answer.
    json.dumps(value, ensure_ascii=False).encode("utf-8")
    return value


def _refuse_constant(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


def _nesting(value: Any) -> int:
    match value:
        case dict():
            return 1 + max(map(_nesting, value.values()), default=0)
        case list():
            return 1 + max(map(_nesting, value), default=0)
        case _:
            return 0


def _algorithm(header: Mapping[str, Any]) -> Algorithm:
    if "crit" in header or header.get("b64") is False:
        raise _not_a_jwt()
    try:
        return Algorithm(str(header.get("alg")))
    except ValueError as error:
        raise _not_a_jwt() from error


def _kid(header: Mapping[str, Any]) -> str | None:
    if "kid" not in header:
        return None
    kid = header["kid"]
    if not isinstance(kid, str):
        raise _not_a_jwt()
    return kid
