"""The claims of a web identity token, checked in the order and with the texts recorded on AWS.

Recorded: the five required claims, subjects of any length and as numbers, the rules of `aud` and
`azp`, times as integers or digit strings within 300 s. Unconfirmed, and refused with AWS's
general text: other types of `iss`, `sub`, `aud` and `azp`, and control characters in `sub`;
refused as a time: exponents, booleans, signs, and anything beyond 64 bits. The limit of 300 s on
`iat` is recorded only as lying between 276 s and 3,573 s.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from broker.sandbox.web_identity.refusals import StsCode, StsRefusal, invalid_token
from broker.sandbox.web_identity.roles_claim import read_roles
from broker.sandbox.web_identity.session_claims import SessionTags, read_source_identity, read_tags

TOLERANCE: Final = 300
"""Seconds by which the clocks of issuer and STS may differ, each way."""

BAD_TIME: Final = "Invalid timestamp in token claims."
MANY_AUDIENCES: Final = (
    "Token audience contains more than one audience while authorized party is not present"
)

_REQUIRED = ("iss", "sub", "aud", "iat", "exp")
_INT64 = range(-(2**63), 2**63)


@dataclass(frozen=True, kw_only=True)
class IdentityClaims:
    """Claims that are well-formed and timely; whose they are is settled by the signature.

    audience: what the role's trust policy sees: `azp` if present, otherwise `aud`.
    """

    subject: str
    audience: str
    source_identity: str | None
    tags: SessionTags
    roles: frozenset[str] | None


def read_issuer(claims: Mapping[str, Any]) -> str:
    """`iss`, which decides whose keys are fetched, before any other claim is looked at."""
    _require(claims, "iss")
    issuer = claims["iss"]
    if not isinstance(issuer, str):
        raise invalid_token()
    return issuer


def check(claims: Mapping[str, Any], *, now: datetime) -> IdentityClaims:
    """The claims, if all are there, of the right form, and the token is valid at `now`."""
    for name in _REQUIRED:
        _require(claims, name)
    subject = _subject(claims["sub"])
    audience = _audience(claims)
    _check_times(claims, now=now)
    return IdentityClaims(
        subject=subject,
        audience=audience,
        source_identity=read_source_identity(claims),
        tags=read_tags(claims),
        roles=read_roles(claims),
    )


def _require_unexpired(expires_at: int, *, now: datetime) -> None:
    """ExpiredTokenException unless `now` is before `expires_at` (seconds since 1970) + 300 s."""
    earliest = _seconds(now) - TOLERANCE
    if earliest >= expires_at:
        raise StsRefusal(
            StsCode.EXPIRED_TOKEN,
            f"Token expired: current date/time {earliest} must be before "
            f"the expiration date/time {expires_at}",
        )


def _require(claims: Mapping[str, Any], name: str) -> None:
    if name not in claims:
        raise invalid_token(f"Missing a required claim: {name}")


def _subject(value: Any) -> str:
    match value:
        case None:
            raise StsRefusal(StsCode.INTERNAL_FAILURE, "Unknown error validating third-party token")
        case bool():
            raise invalid_token()
        case int():
            return str(value)
        case str() if not re.search(r"[\x00-\x1f\x7f\ufffe\uffff]", value):
            return value
        case _:
            raise invalid_token()


def _audience(claims: Mapping[str, Any]) -> str:
    audiences = _audiences(claims["aud"])
    if "azp" in claims:
        authorized_party = claims["azp"]
        if not isinstance(authorized_party, str):
            raise invalid_token()
        return authorized_party
    if len(audiences) > 1:
        raise invalid_token(MANY_AUDIENCES)
    return audiences[0]


def _audiences(value: Any) -> list[str]:
    listed = value if isinstance(value, list) else [value]
    if not listed:
        raise invalid_token("Claim is not allowed to be empty: aud")
    if not all(isinstance(audience, str) for audience in listed):
        raise invalid_token()
    return listed


def _check_times(claims: Mapping[str, Any], *, now: datetime) -> None:
    issued_at, expires_at = _timestamp(claims["iat"]), _timestamp(claims["exp"])
    latest = _seconds(now) + TOLERANCE
    if issued_at > latest:
        raise invalid_token(f"Token issued in the future: {issued_at}")
    _require_unexpired(expires_at, now=now)
    if "nbf" in claims and latest < (not_before := _timestamp(claims["nbf"])):
        raise invalid_token(
            f"Token not yet valid: current date/time {latest} must be after or equal to "
            f"the not-before date/time {not_before}"
        )


def _timestamp(value: Any) -> int:
    match value:
        case bool():
            pass
        case int() if value in _INT64:
            return value
        case str() if re.fullmatch(r"[0-9]{1,19}", value) and int(value) in _INT64:
            return int(value)
    raise invalid_token(BAD_TIME)


def _seconds(moment: datetime) -> int:
    return int(moment.timestamp())
