"""The two cookies of browsers: one while somebody is on the way to the provider, one after that.

`__Host-` makes browsers themselves demand that a cookie is Secure, of this host and of all paths,
so no neighbouring host can set it. Plain http, which is for loopback only, cannot have that.
"""

from __future__ import annotations

from dataclasses import dataclass

from flask import Response, request

from broker.domain.identity.browser_sessions import ATTEMPT_LASTS, BrowserSecret

_SESSION, _ATTEMPT = "broker-session", "broker-sign-in"


@dataclass(frozen=True, slots=True)
class Cookies:
    """The cookies of the site at `public_url`."""

    public_url: str

    @property
    def _secure(self) -> bool:
        return self.public_url.startswith("https://")

    def _named(self, name: str) -> str:
        return f"__Host-{name}" if self._secure else name

    def session_text(self) -> str | None:
        """The value of the session's cookie as it came, or None."""
        return request.cookies.get(self._named(_SESSION))

    def session(self) -> BrowserSecret | None:
        """The secret of a session, if the browser has one."""
        return BrowserSecret.read(self.session_text())

    def attempt(self) -> BrowserSecret | None:
        """The secret of an attempt to sign in, if the browser has one."""
        return BrowserSecret.read(request.cookies.get(self._named(_ATTEMPT)))

    def keep_attempt(self, response: Response, secret: BrowserSecret) -> None:
        """Let the browser keep the secret until it comes back."""
        self._set(response, _ATTEMPT, secret, max_age=int(ATTEMPT_LASTS.total_seconds()))

    def keep_session(self, response: Response, secret: BrowserSecret) -> None:
        """Let the browser keep the secret until it is closed; the broker knows when it ends."""
        self._forget(response, _ATTEMPT)
        self._set(response, _SESSION, secret, max_age=None)

    def forget_session(self, response: Response) -> None:
        """Let the browser drop the secret."""
        self._forget(response, _SESSION)

    def _set(
        self, response: Response, name: str, secret: BrowserSecret, *, max_age: int | None
    ) -> None:
        response.set_cookie(
            self._named(name),
            secret.text,
            max_age=max_age,
            path="/",
            domain=None,
            secure=self._secure,
            httponly=True,
            samesite="Lax",
        )

    def _forget(self, response: Response, name: str) -> None:
        response.delete_cookie(
            self._named(name),
            path="/",
            domain=None,
            secure=self._secure,
            httponly=True,
            samesite="Lax",
        )
