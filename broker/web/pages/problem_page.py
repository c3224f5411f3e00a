"""The page for what did not work: words and status of a problem, and the way out."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Flask, Response, g, render_template, request
from werkzeug.exceptions import HTTPException

from broker.domain.identity.browser_sessions import LocalPath
from broker.errors import BrokerError, InvalidRequest, NotFound, Unauthenticated
from broker.web import problems
from broker.web.pages.policy import protect
from broker.web.pages.viewer import Viewer

SIGN_IN = "/sign-in"
_FOR_PROGRAMS = ("/v1/", "/oidc/", "/hooks/")

_TO_PEOPLE = {
    "forbidden": (
        "Your roles do not allow this. Ask whoever runs the broker if you should have another one."
    ),
    "account_not_active": ("The account is not ready for sessions. Its page says what hinders it."),
    "grant_required": "The customer approves each access to this account. Request it first.",
    "request_in_progress": (
        "The same is being asked for at this moment. Load this page again in a few seconds: it "
        "then says what came of it."
    ),
    "idempotency_key_reused": (
        "This form was sent before, and has been changed since. Go back, load its page again, and "
        "send that one."
    ),
}
"""Where the API's sentence names requests that nobody makes in a browser."""


def told(
    error: BrokerError, *, viewer: Viewer | None = None, sign_in_at: str | None = None
) -> Response:
    """The page that tells a person of `error`, with a link to where they sign in, if that helps."""
    if sign_in_at is None and isinstance(error, Unauthenticated):
        sign_in_at = SIGN_IN
    return _as_page(problems.of_ours(error), error, viewer=viewer, sign_in_at=sign_in_at)


def is_wanted() -> bool:
    """Whether who asks is a person with a browser: programs are answered with a problem."""
    offered = [problems.MEDIA_TYPE, "application/json", "text/html"]
    return request.accept_mimetypes.best_match(offered) == "text/html"


def register(app: Flask) -> None:
    """Answer people with a page also where no page of ours was reached, or one broke.

    Programs get a problem, and so does whoever asks at an address for programs.
    """

    @app.errorhandler(HTTPException)
    def of_http(error: HTTPException) -> Response:
        ours = problems.translated(error)
        if isinstance(ours, NotFound):
            # What is said of it to programs names a document for programs.
            ours = NotFound("There is nothing at this address. Begin at the start.")
        return _for_whom(problems.of_http(error), ours)

    @app.errorhandler(Exception)
    def unexpected(error: Exception) -> Response:
        return _for_whom(problems.unexpected(error), problems.UNEXPECTED)


def _for_whom(response: Response, error: BrokerError) -> Response:
    if request.path.startswith(_FOR_PROGRAMS) or not is_wanted():
        return response
    return _as_page(response, error, viewer=None, sign_in_at=None)


def _where_from() -> str | None:
    """The page of ours that led here, if one did; browsers tell it to us alone."""
    try:
        came_from = urlsplit(request.referrer or "")
        if came_from.netloc != request.host:
            return None
        query = f"?{came_from.query}" if came_from.query else ""
        return LocalPath.parse(f"{came_from.path}{query}")
    except ValueError:
        return None


def _as_page(
    response: Response, error: BrokerError, *, viewer: Viewer | None, sign_in_at: str | None
) -> Response:
    response.set_data(
        render_template(
            "problem.html",
            viewer=viewer,
            notice=None,
            detail=_TO_PEOPLE.get(error.code, error.public_message),
            back=_where_from(),
            problems=error.problems if isinstance(error, InvalidRequest) else (),
            code=error.code,
            request_id=g.request_id,
            sign_in_at=sign_in_at,
        )
    )
    response.content_type = "text/html; charset=utf-8"
    return protect(response)
