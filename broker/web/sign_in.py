"""`/sign-in` and `/sign-out`: where browsers go to the organisation's provider and come back."""

from __future__ import annotations

from collections.abc import Callable
from html import escape

from flask import Blueprint, Response, g, request

from broker.domain.browser_sessions import CALLBACK_PATH, LocalPath
from broker.domain.permissions import EstablishedBy
from broker.errors import AccessDenied, BrokerError, FieldProblem, InvalidRequest
from broker.services.calls import Call
from broker.services.sign_in import Callback, SignIn
from broker.web import problems
from broker.web.auth import origin
from broker.web.cookies import Cookies

_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; base-uri 'none'; frame-ancestors 'none'",
    # The address of a callback holds a code, which is nobody else's business.
    "Referrer-Policy": "no-referrer",
}
_PAGE = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Sign-in</title></head>
<body>
<h1>Sign-in</h1>
<p>{detail}</p>
<p><a href="/sign-in">Sign in</a></p>
<p><small>{code} &middot; request {request_id}</small></p>
</body>
</html>
"""


def blueprint(sign_in: SignIn, cookies: Cookies, authenticate: Callable[[], Call]) -> Blueprint:
    """The three addresses; the first two without authentication, for they lead to one."""
    pages = Blueprint("sign_in", __name__)
    pages.register_error_handler(BrokerError, _told)
    pages.after_request(_protected)

    @pages.get("/sign-in")
    def begin() -> Response:
        """Send the browser to the provider."""
        _require_navigation()
        departure = sign_in.begin(_return_path(_once("return_to")), origin())
        response = _redirect(departure.url)
        cookies.keep_attempt(response, departure.secret)
        return response

    @pages.get(CALLBACK_PATH)
    def complete() -> Response:
        """Take the browser back from the provider, signed in or not."""
        _require_navigation()
        signed_in = sign_in.complete(_callback(cookies), origin(), earlier=cookies.session())
        response = _redirect(cookies.public_url + signed_in.return_to)
        cookies.keep_session(response, signed_in.secret)
        return response

    @pages.post("/sign-out")
    def end() -> Response:
        """End the browser's session."""
        call = authenticate()
        secret = cookies.session()
        if secret is None or call.caller.established_by is not EstablishedBy.BROWSER:
            raise InvalidRequest("Only a browser's session is signed out of; send its cookie.")
        sign_in.end(secret, call)
        response = Response(status=204)
        cookies.forget_session(response)
        return response

    return pages


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
    told = problems.of_ours(error)
    if request.accept_mimetypes.best_match([problems.MEDIA_TYPE, "text/html"]) == "text/html":
        told.set_data(
            _PAGE.format(
                detail=escape(error.public_message),
                code=escape(error.code),
                request_id=escape(g.request_id),
            )
        )
        told.content_type = "text/html; charset=utf-8"
    return told


def _protected(response: Response) -> Response:
    response.headers.extend(_HEADERS)
    return response
