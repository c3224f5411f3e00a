"""What the provider has given out and still stands by: codes, and tokens with their descent.

Authlib asks records by the names of its `AuthorizationCodeMixin` and `TokenMixin`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from operator import attrgetter
from threading import Lock

from broker.sandbox.clock import Clock
from broker.sandbox.people.organisation import Client, Person

CODE_LASTS = timedelta(minutes=1)
ACCESS_TOKEN_LASTS = timedelta(minutes=5)
REFRESH_TOKEN_LASTS = timedelta(hours=12)

_ACCESS_TOKEN: attrgetter[str | None] = attrgetter("access_token")
_REFRESH_TOKEN: attrgetter[str | None] = attrgetter("refresh_token")


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """A person who chose themselves on our page, and when. Authlib calls it the user."""

    person: Person
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """An authorization code, and what it was given out for."""

    text: str = field(repr=False)
    client_id: str
    redirect_uri: str
    scope: str
    nonce: str | None
    code_challenge: str
    code_challenge_method: str
    signed_in: SignedIn

    def get_redirect_uri(self) -> str:
        """See AuthorizationCodeMixin, as for the others."""
        return self.redirect_uri

    def get_scope(self) -> str:
        """What was asked for."""
        return self.scope

    def get_nonce(self) -> str | None:
        """For the identity token."""
        return self.nonce

    def get_auth_time(self) -> None:
        """It is told with the user, for refreshed tokens have no code."""
        return

    def get_acr(self) -> None:
        """There is but one way to sign in."""
        return

    def get_amr(self) -> None:
        """And no method worth a name."""
        return


@dataclass(frozen=True, slots=True, kw_only=True)
class Issue:
    """One answer of the token endpoint."""

    descent: str = field(repr=False)
    """The code or device code that it began with: these end together."""
    client_id: str
    scope: str
    signed_in: SignedIn
    issued_at: datetime
    access_token: str = field(repr=False)
    refresh_token: str | None = field(repr=False)

    def check_client(self, client: Client) -> bool:
        """Whether it was given to this client."""
        return client.client_id == self.client_id

    def get_scope(self) -> str:
        """What it is good for."""
        return self.scope

    def is_expired(self) -> bool:
        """The register gives out none that is."""
        return False

    def is_revoked(self) -> bool:
        """The register gives out none that is."""
        return False


class Ended(Exception):
    """A sign-in whose tokens were ended while another one was being made of it."""


class Register:
    """In memory, and safe to use from many threads."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self._lock = Lock()
        self._codes: dict[str, Code] = {}
        self._issues: list[Issue] = []
        self._spent: dict[str, str] = {}
        """Codes and refresh tokens that were used, with their descent."""
        self._ended: set[str] = set()

    def keep_code(self, code: Code) -> None:
        """Wait for the client to redeem it."""
        with self._lock:
            self._codes[code.text] = code

    def redeem(self, text: str, client: Client) -> Code | None:
        """The code, once. Whoever comes with it again ends what the first one got for it."""
        with self._lock:
            if text in self._spent:
                self._ended.add(self._spent[text])
                return None
            code = self._codes.get(text)
            # Another client does not use it up: the right one may still be on its way.
            if code is None or code.client_id != client.client_id:
                return None
            del self._codes[text]
            self._spent[text] = text
        return code if self.clock.now() < code.signed_in.at + CODE_LASTS else None

    def keep(self, issue: Issue) -> None:
        """Stand by it from now on. Raises Ended where its descent has ended meanwhile."""
        with self._lock:
            if issue.descent in self._ended:
                raise Ended
            self._issues.append(issue)

    def of_access_token(self, text: str) -> Issue | None:
        """What a good access token was issued with."""
        with self._lock:
            return self._live(text, _ACCESS_TOKEN, ACCESS_TOKEN_LASTS)

    def of_any(self, text: str) -> Issue | None:
        """What a good access or refresh token was issued with."""
        with self._lock:
            return self._live(text, _ACCESS_TOKEN, ACCESS_TOKEN_LASTS) or self._live(
                text, _REFRESH_TOKEN, REFRESH_TOKEN_LASTS
            )

    def refresh(self, text: str, client: Client) -> Issue | None:
        """What a good refresh token was issued with, once, as for codes."""
        with self._lock:
            if text in self._spent:
                self._ended.add(self._spent[text])
                return None
            issue = self._live(text, _REFRESH_TOKEN, REFRESH_TOKEN_LASTS)
            if issue is None or not issue.check_client(client):
                return None
            self._spent[text] = issue.descent
            return issue

    def end(self, issue: Issue) -> None:
        """Stand by nothing any more that descends from the same sign-in."""
        with self._lock:
            self._ended.add(issue.descent)

    def _live(self, text: str, kind: attrgetter[str | None], lasts: timedelta) -> Issue | None:
        issue = next((each for each in self._issues if kind(each) == text), None)
        if issue is None or issue.descent in self._ended:
            return None
        return issue if self.clock.now() < issue.issued_at + lasts else None
