"""The models of signing in to the AWS console."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from broker.contract.base import Answer, Body
from broker.contract.sessions import SessionAnswer, SessionBody
from broker.domain.console import ConsolePage, ConsoleUrl, SessionKeys
from broker.domain.identifiers import ServiceName
from broker.domain.times import Timestamp

if TYPE_CHECKING:
    from broker.services.access.console import ConsoleSession

Region = Annotated[str, Field(pattern=r"^[a-z]{2}(-[a-z]+)+-[0-9]{1,2}$", max_length=50)]
_KEY_ID = Field(pattern=r"^[A-Z0-9]{16,128}$")
_SECRET = r"^[!-~]{1,%s}$"  # noqa: S105 - a pattern, not a secret


class SessionCredentialsBody(Body):
    """A session's credentials as its opening answered them; `expiration` may be left out."""

    access_key_id: Annotated[str, _KEY_ID]
    secret_access_key: Annotated[str, Field(pattern=_SECRET % 200, repr=False)]
    session_token: Annotated[str, Field(pattern=_SECRET % 16000, repr=False)]
    expiration: Timestamp | None = None

    def keys(self) -> SessionKeys:
        """What AWS signs in."""
        return SessionKeys(
            access_key_id=self.access_key_id,
            secret_access_key=self.secret_access_key,
            session_token=self.session_token,
        )


class ConsoleUrlBody(Body):
    """A session's credentials, and the service whose page to begin at; else it is the home page."""

    credentials: SessionCredentialsBody
    destination: ServiceName | None = None
    region: Region | None = None

    def page(self) -> ConsolePage:
        """Where it leads."""
        return ConsolePage(service=self.destination, region=self.region)


class ConsoleSessionBody(SessionBody):
    """A session to open, and the service whose page to begin at; else it is the home page."""

    destination: ServiceName | None = None
    region: Region | None = None

    def page(self) -> ConsolePage:
        """Where it leads."""
        return ConsolePage(service=self.destination, region=self.region)


class ConsoleUrlAnswer(Answer):
    """A URL that signs in once, within `expires_in` seconds: a secret."""

    url: Annotated[str, Field(repr=False)]
    expires_in: int

    @classmethod
    def of(cls, made: ConsoleUrl) -> ConsoleUrlAnswer:
        """The answer for `made`."""
        return cls(url=made.url, expires_in=int(made.lives.total_seconds()))


class ConsoleSessionAnswer(ConsoleUrlAnswer):
    """A session just opened; its credentials went into the URL and nowhere else."""

    session: SessionAnswer

    @classmethod
    def of_session(cls, opened: ConsoleSession) -> ConsoleSessionAnswer:
        """The answer for `opened`."""
        url = ConsoleUrlAnswer.of(opened.url)
        return cls(session=SessionAnswer.of(opened.session), url=url.url, expires_in=url.expires_in)
