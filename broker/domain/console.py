"""The AWS console for a session: which page, with whose keys, and when there is none."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Self

from broker.domain.identifiers import ServiceName
from broker.domain.sessions import Credentials, Session

URL_LIVES = timedelta(minutes=15)
"""How long AWS takes a URL for signing in (IAM User Guide, "Enable custom identity broker access
to the AWS console"). The session behind it goes on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsolePage:
    """A page of the console: a service's own, or the home page; None is the broker's Region."""

    service: ServiceName | None = None
    region: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionKeys:
    """A session's credentials as its engineer sends them back to us. Never stored or printed."""

    access_key_id: str
    secret_access_key: str = field(repr=False)
    session_token: str = field(repr=False)

    @classmethod
    def of(cls, credentials: Credentials) -> Self:
        """What STS gave, without its end."""
        return cls(
            access_key_id=credentials.access_key_id,
            secret_access_key=credentials.secret_access_key,
            session_token=credentials.session_token,
        )


@dataclass(frozen=True, slots=True)
class ConsoleUrl:
    """Whoever follows it first is signed in as the session: a secret. Never stored or printed."""

    url: str = field(repr=False)
    lives: timedelta = URL_LIVES


class NoConsole(StrEnum):
    """Why a session leads to no console; each is the code of the answer."""

    REVOKED = "session_revoked"
    EXPIRED = "session_expired"
    OTHER_KEYS = "credentials_of_another_session"


def objection(session: Session, access_key_id: str, *, now: datetime) -> NoConsole | None:
    """What stands between the session and the console, for keys of this id; None for nothing.

    Whether secret and session token are the session's too is AWS's to say: we never kept them.
    """
    if session.access_key_id != access_key_id:
        return NoConsole.OTHER_KEYS
    if session.revoked_at is not None:
        return NoConsole.REVOKED
    return NoConsole.EXPIRED if now >= session.expires_at else None
