"""Judging the claims of an identity token (OpenID Connect Core, section 3.1.3.7), one by one.

The signature has been verified before any of this counts.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from broker.domain.identifiers import EngineerId

LEEWAY = timedelta(seconds=30)
"""How far the provider's clock may be from ours."""

EMAIL = "email"
"""The one subject claim that the provider must call verified."""

_LATEST = 253_402_300_800
"""The year 10000, which no datetime reaches."""

_REQUIRED = ("iss", "sub", "aud", "exp", "iat")


class IdentityFault(StrEnum):
    """Why an identity token is not accepted."""

    MALFORMED = "identity_token_malformed"
    WRONG_TYPE = "identity_token_wrong_type"
    WRONG_ALGORITHM = "identity_token_wrong_algorithm"
    UNKNOWN_KEY = "identity_token_unknown_key"
    BAD_SIGNATURE = "identity_token_bad_signature"
    MISSING_CLAIMS = "identity_token_missing_claims"
    WRONG_ISSUER = "identity_token_wrong_issuer"
    WRONG_AUDIENCE = "identity_token_wrong_audience"
    WRONG_PARTY = "identity_token_wrong_party"
    """It was given to another client (`azp`)."""
    EXPIRED = "identity_token_expired"
    NOT_YET_VALID = "identity_token_not_yet_valid"
    WRONG_NONCE = "identity_token_wrong_nonce"
    UNVERIFIED_EMAIL = "identity_token_unverified_email"
    BAD_SUBJECT = "identity_token_bad_subject"
    """The claim that says who it is holds nothing that can name an engineer in AWS."""
    BAD_GROUPS = "identity_token_bad_groups"


class IdentityRefused(Exception):
    """An identity token is not accepted."""

    def __init__(self, fault: IdentityFault) -> None:
        super().__init__(fault.value)
        self.fault = fault


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who somebody is, as the provider says: only verified claims become one."""

    subject: EngineerId
    groups: tuple[str, ...]
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Demands:
    """What an identity token must say. `client_id` is whom it must be for."""

    issuer: str
    client_id: str
    subject_claim: str
    groups_claim: str
    nonce: str | None = field(default=None, repr=False)
    """Set where the token must be the answer to one attempt to sign in."""


def judge(claims: Mapping[str, object], demands: Demands, now: datetime) -> Identity:
    """The identity in `claims`. Raises IdentityRefused with the first fault."""
    expires_at = good_until(
        claims, issuer=demands.issuer, client_id=demands.client_id, nonce=demands.nonce, now=now
    )
    return Identity(
        subject=_subject(claims, demands.subject_claim),
        groups=_groups(claims, demands.groups_claim),
        expires_at=expires_at,
    )


def good_until(
    claims: Mapping[str, object], *, issuer: str, client_id: str, nonce: str | None, now: datetime
) -> datetime:
    """When a token ends that this issuer made for this client, and for this attempt if a nonce
    is given; whom it is about is not looked at. Raises IdentityRefused with the first fault.
    """
    if any(claims.get(name) in (None, "") for name in _REQUIRED):
        raise IdentityRefused(IdentityFault.MISSING_CLAIMS)
    if claims["iss"] != issuer:
        raise IdentityRefused(IdentityFault.WRONG_ISSUER)
    _check_audience(claims, client_id)
    _check_times(claims, now)
    _check_nonce(claims, nonce)
    return datetime.fromtimestamp(_seconds(claims["exp"]), UTC)


def _check_audience(claims: Mapping[str, object], client_id: str) -> None:
    """It is for us, and where that leaves a doubt, it was given to us."""
    audiences = claims["aud"] if isinstance(claims["aud"], list) else [claims["aud"]]
    if client_id not in audiences or not all(isinstance(each, str) for each in audiences):
        raise IdentityRefused(IdentityFault.WRONG_AUDIENCE)
    party = claims.get("azp", client_id if len(audiences) == 1 else None)
    if party != client_id:
        raise IdentityRefused(IdentityFault.WRONG_PARTY)


def _check_times(claims: Mapping[str, object], now: datetime) -> None:
    moment, leeway = now.timestamp(), LEEWAY.total_seconds()
    if _seconds(claims["exp"]) <= moment - leeway:
        raise IdentityRefused(IdentityFault.EXPIRED)
    earliest = max(_seconds(claims["iat"]), _seconds(claims.get("nbf", claims["iat"])))
    if earliest > moment + leeway:
        raise IdentityRefused(IdentityFault.NOT_YET_VALID)


def _seconds(value: object) -> float:
    """A NumericDate (RFC 7519, section 2); not a number, and out of all bounds, are none."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < _LATEST:
        raise IdentityRefused(IdentityFault.MALFORMED)
    return value


def _check_nonce(claims: Mapping[str, object], nonce: str | None) -> None:
    if nonce is None:
        return
    presented = claims.get("nonce")
    if not isinstance(presented, str) or not hmac.compare_digest(
        nonce.encode(), presented.encode(errors="replace")
    ):
        raise IdentityRefused(IdentityFault.WRONG_NONCE)


def _subject(claims: Mapping[str, object], name: str) -> EngineerId:
    value = claims.get(name)
    if value is None:
        raise IdentityRefused(IdentityFault.MISSING_CLAIMS)
    if name == EMAIL and claims.get("email_verified") is not True:
        raise IdentityRefused(IdentityFault.UNVERIFIED_EMAIL)
    if not isinstance(value, str):
        raise IdentityRefused(IdentityFault.BAD_SUBJECT)
    try:
        subject = EngineerId.parse(value)
    except ValueError as e:
        raise IdentityRefused(IdentityFault.BAD_SUBJECT) from e
    # One mailbox is one person, in whatever case a provider writes it today: nobody becomes a
    # second person who may approve what the first one asked for. It was ASCII before it got here,
    # for the Kelvin sign is a k in lower case, and so somebody else's address. And a dot at the end
    # leads to the same mailbox, though no address has one (RFC 5321, section 4.1.2).
    if name == EMAIL and subject.endswith("."):
        raise IdentityRefused(IdentityFault.BAD_SUBJECT)
    return EngineerId(subject.lower()) if name == EMAIL else subject


def _groups(claims: Mapping[str, object], name: str) -> tuple[str, ...]:
    """Providers leave the claim out where somebody is in no group."""
    value = claims.get(name, [])
    if not isinstance(value, list) or not all(isinstance(group, str) for group in value):
        raise IdentityRefused(IdentityFault.BAD_GROUPS)
    # What cannot be printed, a lone surrogate say, cannot be kept as text either.
    return tuple(group for group in value if group.isprintable())
