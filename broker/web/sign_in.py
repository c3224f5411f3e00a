"""`/sign-in` and `/sign-out`: where browsers go to the organisation's provider and come back."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, Response, request

from broker.domain.identity.browser_sessions import CALLBACK_PATH, LocalPath
from broker.domain.identity.permissions import EstablishedBy
from broker.errors import AccessDenied, BrokerError, FieldProblem, InvalidRequest
from broker.services.calls import Call
from broker.services.identity.sign_in import Callback, SignIn
from broker.web import problems
from broker.web.auth import origin
from broker.web.cookies import Cookies
from broker.web.pages import problem_page
from broker.web.pages.notices import Notice
from broker.web.pages.policy import protect
from broker.web.pages.site import GoTo

PATH = "/sign-in"

_REFERRER_POLICY = "no-referrer"
"""The address of a callback holds a code, which is not even another page of ours' business."""


def blueprint(sign_in: SignIn, cookies: Cookies, authenticate: Callable[[], Call]) -> Blueprint:
    """The three addresses; the first two without authentication, for they lead to one."""
    addresses = Blueprint("sign_in", __name__)
    addresses.register_error_handler(BrokerError, _told)
    addresses.after_request(_protected)

    @addresses.get(PATH)
    def begin() -> Response:
        """Send the browser to the provider."""
        _require_navigation()
        departure = sign_in.begin(_return_path(_once("return_to")), origin())
        response = _redirect(departure.url)
        cookies.keep_attempt(response, departure.secret)
        return response

    @addresses.get(CALLBACK_PATH)
    def complete() -> Response:
        """Take the browser back from the provider, signed in or not."""
        _require_navigation()
        signed_in = sign_in.complete(_callback(cookies), origin(), earlier=cookies.session())
        response = _redirect(cookies.public_url + signed_in.return_to)
        cookies.keep_session(response, signed_in.secret)
        return response

    @addresses.post("/sign-out")
    def end() -> Response:
        """End the browser's session."""
        call = authenticate()
        secret = cookies.session()
        if secret is None or call.caller.established_by is not EstablishedBy.BROWSER:
            raise InvalidRequest("Only a browser's session is signed out of; send its cookie.")
        sign_in.end(secret, call)
        # A person is shown where they are now; a program has nothing to be shown.
        signed_out = GoTo("/", Notice.SIGNED_OUT).location
        response = _redirect(signed_out) if problem_page.is_wanted() else Response(status=204)
        cookies.forget_session(response)
        return response

    return addresses


def _require_navigation() -> None:
    """Refuse what a page elsewhere has a browser load, as a picture or in a frame.

    Before anything is counted, or such a page would use up the sign-ins of an office in which
    somebody looks at it. A browser that says nothing of it (Fetch Metadata) is let through.
    """
    mode = request.headers.get("Sec-Fetch-Mode", "navigate")
    destination = request.headers.get("Sec-Fetch-Dest", "document")
    if (mode, destination) != ("navigate", "document"):
        raise AccessDenied(
            "People sign in by going to this address, not by loading it in another page.",
            code="not_a_navigation",
        )


def _callback(cookies: Cookies) -> Callback:
    return Callback(
        secret=cookies.attempt(),
        state=_once("state") or "",
        code=_once("code"),
        failed="error" in _arguments(),
        issuer=_once("iss"),
    )


def _return_path(value: str | None) -> LocalPath:
    try:
        return LocalPath.parse("/" if value is None else value)
    except ValueError as e:
        raise InvalidRequest(
            "The address to return to is not one of this site.",
            problems=[FieldProblem("return_to", str(e))],
        ) from e


def _arguments() -> dict[str, list[str]]:
    try:
        return dict(request.args.lists())
    except UnicodeDecodeError as e:
        raise InvalidRequest("The query is not UTF-8. Escape it with percent signs.") from e


def _once(name: str) -> str | None:
    """A parameter of the query; one that is given twice means nothing (RFC 6749, section 3.1)."""
    values = _arguments().get(name, [])
    if len(values) > 1:
        raise InvalidRequest(
            "A parameter is given twice.", problems=[FieldProblem(name, "must be given once")]
        )
    return values[0] if values else None


def _redirect(url: str) -> Response:
    """303, so that a browser asks anew with GET, whatever it asked before."""
    return Response(status=303, headers={"Location": url})


def _told(error: BrokerError) -> Response:
    """A page for a person, a problem for a program; neither holds the provider's words."""
    if problem_page.is_wanted():
        return problem_page.told(error, sign_in_at=PATH)
    return problems.of_ours(error)


def _protected(response: Response) -> Response:
    protect(response).headers["Referrer-Policy"] = _REFERRER_POLICY
    return response
