"""Errors as answers: `application/problem+json` (RFC 9457), rendered in this one place."""

from __future__ import annotations

import json
import secrets
from http import HTTPStatus

import structlog
from flask import Flask, Response, g
from werkzeug.exceptions import HTTPException

from broker.errors import BrokerError, InvalidRequest, NotFound, RateLimited

MEDIA_TYPE = "application/problem+json"
_log = structlog.get_logger(__name__)

_CODES_OF_HTTP = {400: "invalid_request", 404: "not_found"}
_DETAILS_OF_HTTP = {
    400: "The request ended early, or is not what HTTP allows. Send it again, whole.",
    404: "There is nothing at this address. `/openapi.json` lists what there is.",
    405: "This address does not take that method. `/openapi.json` lists what it takes.",
    413: "The body is too large. No request here needs more than 64 KiB.",
    415: "Send the body as `Content-Type: application/json`.",
}


def document(error: BrokerError, *, request_id: str) -> str:
    """The JSON document that tells a caller of `error`."""
    members: dict[str, object] = {
        "type": "about:blank",
        "title": HTTPStatus(error.status).phrase,
        "status": error.status,
        "code": error.code,
        "detail": error.public_message,
        "request_id": request_id,
        **error.extra,
    }
    if isinstance(error, InvalidRequest):
        members["errors"] = [
            {"field": problem.field, "message": problem.message} for problem in error.problems
        ]
    return json.dumps(members)


def new_request_id() -> str:
    """An id of our own making: one that a caller chooses may be another's, or a secret."""
    return secrets.token_hex(12)


def problem(error: BrokerError) -> Response:
    """The answer that tells a caller of `error`."""
    response = Response(
        document(error, request_id=g.request_id), status=error.status, content_type=MEDIA_TYPE
    )
    if error.status == HTTPStatus.UNAUTHORIZED:
        response.headers["WWW-Authenticate"] = 'Bearer realm="broker"'
    if error.status == HTTPStatus.SERVICE_UNAVAILABLE or isinstance(error, RateLimited):
        response.headers["Retry-After"] = str(error.extra.get("retry_after", 2))
    return response


def register(app: Flask) -> None:
    """Answer every error of `app` as a problem; nothing of an unexpected one leaves the log."""
    app.register_error_handler(BrokerError, of_ours)
    app.register_error_handler(HTTPException, of_http)
    app.register_error_handler(Exception, unexpected)


def of_ours(error: BrokerError) -> Response:
    """The answer to an error of ours; what an operator must look at goes to the log."""
    if error.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        _log.error("request_failed", code=error.code, exc_info=error)
    return problem(error)


def translated(error: HTTPException) -> BrokerError:
    """The same error as one of ours: what no view has raised, such as an unknown address."""
    status = error.code or HTTPStatus.INTERNAL_SERVER_ERROR
    code = _CODES_OF_HTTP.get(status, HTTPStatus(status).phrase.lower().replace(" ", "_"))
    detail = _DETAILS_OF_HTTP.get(status, HTTPStatus(status).description or "The request failed.")
    ours = NotFound(detail, code=code) if status == NotFound.status else BrokerError(detail)
    ours.code = code
    ours.status = status
    return ours


def of_http(error: HTTPException) -> Response:
    """The answer to an error of HTTP."""
    response = problem(translated(error))
    for name, value in error.get_headers():
        if name == "Allow":
            response.headers[name] = value
    return response


UNEXPECTED = BrokerError("Something went wrong on our side. Quote the request id to us.")
"""What the outermost edge of a request tells of an error that nobody foresaw."""


def unexpected(error: Exception) -> Response:
    """The answer to an error that nobody foresaw, which is logged with its trace."""
    _log.error("unexpected_error", exc_info=error)
    return problem(UNEXPECTED)
