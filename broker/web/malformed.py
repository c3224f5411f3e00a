"""Answers to what never becomes a request of the application: broken HTTP, and headers too long.

They are problems like all others, and neither they nor the log repeat anything that was sent.
"""

from __future__ import annotations

from http import HTTPStatus

import structlog
from gunicorn.http import errors

from broker.errors import BrokerError, InvalidRequest
from broker.web import problems

_log = structlog.get_logger(__name__)

_STATUSES: dict[type[Exception], HTTPStatus] = {
    errors.LimitRequestLine: HTTPStatus.REQUEST_URI_TOO_LONG,
    errors.LimitRequestHeaders: HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
    errors.ExpectationFailed: HTTPStatus.EXPECTATION_FAILED,
}


def answer(cause: BaseException) -> bytes:
    """The whole response, status line included; the connection ends with it."""
    request_id = problems.new_request_id()
    error = _error(cause, request_id)
    body = problems.document(error, request_id=request_id)
    head = (
        f"HTTP/1.1 {error.status} {HTTPStatus(error.status).phrase}",
        "Connection: close",
        f"Content-Type: {problems.MEDIA_TYPE}",
        f"Content-Length: {len(body)}",
        "Cache-Control: no-store",
        f"X-Request-Id: {request_id}",
    )
    return "\r\n".join((*head, "", body)).encode("ascii")


def _error(cause: BaseException, request_id: str) -> BrokerError:
    if not isinstance(cause, errors.ParseException):
        _log.error("unexpected_error", request_id=request_id, exc_info=cause)
        return BrokerError("Something went wrong on our side. Quote the request id to us.")
    _log.warning("not_http", request_id=request_id, kind=type(cause).__name__)
    error = InvalidRequest("This is not HTTP/1.1 as we read it, so nothing was done.")
    error.status = _STATUSES.get(type(cause), HTTPStatus.BAD_REQUEST)
    return error
