"""Pages for people where something did not work: words and status of a problem, as HTML."""

from __future__ import annotations

from flask import Response, g, render_template

from broker.errors import BrokerError
from broker.web import problems


def told(error: BrokerError, *, sign_in_at: str | None = None) -> Response:
    """The page that tells a person of `error`, with a link to where they sign in, if given."""
    response = problems.of_ours(error)
    response.set_data(
        render_template(
            "problem.html",
            detail=error.public_message,
            code=error.code,
            request_id=g.request_id,
            sign_in_at=sign_in_at,
        )
    )
    response.content_type = "text/html; charset=utf-8"
    return response
