"""Who is calling: the credential that a request presents, and where the request comes from."""

from __future__ import annotations

from dataclasses import dataclass, replace

from flask import g, request

from broker.domain.identity import api_tokens
from broker.domain.identity.browser_sessions import BrowserSecret, Purpose
from broker.errors import Unauthenticated
from broker.services.calls import Call
from broker.services.identity.authentication import (
    Authentication,
    CredentialKind,
    Origin,
    Presented,
)
from broker.services.identity.browser_sessions import BrowserSessions
from broker.web.cookies import Cookies

CSRF_HEADER, CSRF_FIELD = "X-CSRF-Token", "csrf_token"
_READS = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True, slots=True)
class Browsers:
    """What it takes to know a person by a browser's session."""

    sessions: BrowserSessions
    cookies: Cookies


def authenticate(authentication: Authentication, browsers: Browsers | None = None) -> Call:
    """The call being made; where no credential is sent along, a browser's session counts.

    Raises Unauthenticated where nobody says who is calling, CsrfFailed for a browser's write that
    no page of ours has sent, and like `Authentication`.
    """
    presented = _presented(browsers)
    call = authentication(presented, origin())
    if browsers is None or presented.kind is not CredentialKind.BROWSER_SESSION:
        return call
    return _of_page(call, BrowserSecret(presented.text), browsers)


def origin() -> Origin:
    """Where the request comes from."""
    return Origin(request_id=g.request_id, source_address=request.remote_addr or "unknown")


def _presented(browsers: Browsers | None) -> Presented:
    # Whoever sends the header means it: the cookie, which comes by itself, counts only without.
    if browsers is not None and "Authorization" not in request.headers:
        session = browsers.cookies.session_text()
        if session is not None:
            return Presented(CredentialKind.BROWSER_SESSION, session)
    scheme, _, text = request.headers.get("Authorization", "").partition(" ")
    credential = text.strip()
    if scheme.lower() != "bearer" or not credential:
        raise Unauthenticated("Say who you are: send `Authorization: Bearer <API token>`.")
    ours = credential.startswith(f"{api_tokens.PREFIX}_")
    kind = CredentialKind.API_TOKEN if ours else CredentialKind.IDENTITY_TOKEN
    return Presented(kind, credential)


def _of_page(call: Call, secret: BrowserSecret, browsers: Browsers) -> Call:
    """The call of a page: a write must come from ours, and know what only ours are told."""
    if request.method not in _READS:
        sent_by_us = _sent_by(browsers.cookies.public_url)
        if not (sent_by_us and secret.matches(Purpose.CSRF, _csrf_token())):
            raise browsers.sessions.foreign_page(call)
    return replace(call, csrf_token=secret.derived(Purpose.CSRF))


def _csrf_token() -> str:
    """From a script in a header; from a form, which can send no header, in a field."""
    return request.headers.get(CSRF_HEADER) or request.form.get(CSRF_FIELD, "")


def _sent_by(public_url: str) -> bool:
    """Whether the browser itself, where it says anything of it, says that our own page asks."""
    site = request.headers.get("Sec-Fetch-Site", "same-origin")
    return site == "same-origin" and request.headers.get("Origin", public_url) == public_url
