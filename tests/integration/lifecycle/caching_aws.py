"""An AWS that keeps what it fetches for as long as ever, on a clock that tests turn."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache

import httpx
import jwt

from broker.domain.claims import AUDIENCE
from broker.domain.sessions import Credentials
from broker.errors import UpstreamRejected

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
MAX_AGE = timedelta(hours=1)
"""What the issuer allows everybody to cache."""

KEPT_LONGER = timedelta(hours=6)
"""How much longer this AWS keeps a JWKS, as AWS is reported to."""


class Clock:
    """Time that passes when a test says so."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now

    def advance(self, by: timedelta) -> None:
        self.now += by


class Killed(BaseException):
    """The process ends here: nothing of it runs any more."""


@dataclass
class Moments:
    """Every moment right before and right after something that outlasts the process."""

    deadly: int | None = None
    """At which of them the process is killed; None lets it live."""
    passed: int = 0

    def reach(self) -> None:
        if self.passed == self.deadly:
            raise Killed
        self.passed += 1


class UnknownKid(Exception):
    """A token names a key that is in no copy of the JWKS that the relying party holds."""


@dataclass
class CachingAws:
    """A relying party that keeps each JWKS for as long as it may, and still longer.

    What it verifies it verifies with PyJWT, out of the documents that the issuer's endpoint
    serves. It never fetches early, not even for a key that it does not know.
    """

    http: httpx.Client
    clock: Clock
    kept_longer: timedelta = KEPT_LONGER
    moments: Moments = field(default_factory=Moments)
    unknown: list[str] = field(default_factory=list)
    fetches: int = 0
    _keys: dict[str, str] = field(default_factory=dict)
    """Each key as it was served, by its id."""
    _fresh_until: datetime = START

    def exchange(self, *, identity_token: str, **_: object) -> Credentials:
        """See WebIdentityExchange."""
        self.moments.reach()
        try:
            self.verify(identity_token)
        except UnknownKid as e:
            raise UpstreamRejected("No such key.", code="issuer_unreachable_from_aws") from e
        self.moments.reach()
        return Credentials(
            access_key_id="ASIAEXAMPLE",
            secret_access_key="secret",
            session_token="token",
            expiration=self.clock() + HOUR,
        )

    def verify(self, token: str) -> None:
        """Raises UnknownKid, and what PyJWT raises."""
        header = jwt.get_unverified_header(token)
        issuer = jwt.decode(token, options={"verify_signature": False})["iss"]
        if self.clock() >= self._fresh_until:
            self.fetch(issuer)
        if header["kid"] not in self._keys:
            self.unknown.append(header["kid"])
            raise UnknownKid(header["kid"])
        not_before, expires = _validity(token, self._keys[header["kid"]], issuer)
        assert not_before <= self.clock().timestamp() <= expires + 300

    def fetch(self, issuer: str) -> None:
        """Take the documents now, and keep them for as long as they may be kept."""
        discovery = self.http.get(f"{issuer}/.well-known/openid-configuration")
        discovery.raise_for_status()
        jwks = self.http.get(discovery.json()["jwks_uri"]).raise_for_status()
        max_age = re.search(r"max-age=([0-9]+)", jwks.headers["Cache-Control"])
        assert max_age is not None
        self._keys = {key["kid"]: json.dumps(key) for key in jwks.json()["keys"]}
        self._fresh_until = self.clock() + timedelta(seconds=int(max_age[1])) + self.kept_longer
        self.fetches += 1


@lru_cache(maxsize=64)
def _validity(token: str, jwk: str, issuer: str) -> tuple[float, float]:
    """From when until when the token counts; raises what PyJWT raises.

    Parties that hold the same key come to the same answer, so one verification serves them all.
    """
    claims = jwt.decode(
        token,
        key=jwt.PyJWK(json.loads(jwk)),
        algorithms=["ES256"],
        audience=AUDIENCE,
        issuer=issuer,
        # The clock of these tests is not the machine's: whoever asks compares the times.
        options={"verify_exp": False, "verify_nbf": False, "verify_iat": False},
    )
    return claims["nbf"], claims["exp"]
