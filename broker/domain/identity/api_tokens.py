"""API tokens of services: recognisable, scoped, expiring; only a hash of them is kept."""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import datetime

from broker.domain.identifiers import AccountId
from broker.domain.identity.permissions import Caller, EstablishedBy, Role
from broker.domain.times import Timestamp

PREFIX = "brk"
"""Begins every API token, so that secret scanners find a leaked one."""

TOKEN_ID = re.compile(r"[0-9a-f]{12}")
"""An API token's id, which is no secret."""

_FORM = re.compile(rf"{PREFIX}_({TOKEN_ID.pattern})_([0-9a-f]{{64}})")
"""README tells secret scanners of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiToken:
    """One API token as stored. Its secret half has 256 random bits, so a plain hash keeps it."""

    token_id: str
    secret_hash: str
    subject: str
    roles: tuple[Role, ...]
    account_ids: tuple[AccountId, ...]
    created_at: Timestamp
    expires_at: Timestamp
    revoked_at: Timestamp | None = None

    def caller(self) -> Caller:
        """Who a bearer of this token is."""
        return Caller(
            subject=self.subject,
            roles=frozenset(self.roles),
            account_ids=frozenset(self.account_ids),
            api_token_id=self.token_id,
            established_by=EstablishedBy.API_TOKEN,
            until=self.expires_at,
        )

    def expired_at(self, now: datetime) -> bool:
        """Whether the token's time is over at `now`."""
        return now >= self.expires_at

    def matches(self, secret: str) -> bool:
        """Whether `secret` is this token's, compared in constant time."""
        return hmac.compare_digest(self.secret_hash, secret_hash(secret))


def write_api_token(token_id: str, secret: str) -> str:
    """The text that is handed out once."""
    return f"{PREFIX}_{token_id}_{secret}"


def read_api_token(text: str) -> tuple[str, str] | None:
    """The id and the secret of a presented token, or None where it is no token of ours."""
    found = _FORM.fullmatch(text)
    return (found[1], found[2]) if found else None


def secret_hash(secret: str) -> str:
    """What is stored in place of the secret: SHA-256, in hexadecimal."""
    return hashlib.sha256(secret.encode("ascii")).hexdigest()
