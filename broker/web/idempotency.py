"""`Idempotency-Key`: the same write asked again gets the first answer again, for a day.

Answers with secrets are never kept: asking again for one is refused as `already_answered`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from enum import StrEnum
from typing import assert_never

import structlog
from flask import Response, request

from broker.domain.identity.permissions import Caller
from broker.domain.ports import Begun, Finished, IdempotencyRepository, InProgress, Reused
from broker.errors import Conflict, DependencyUnavailable, FieldProblem, InvalidRequest
from broker.services.calls import Call

HEADER = "Idempotency-Key"
_log = structlog.get_logger(__name__)
_FORM = re.compile(r"[\x21-\x7e]{1,200}")
_READS = frozenset({"GET", "HEAD"})


class Repeats(StrEnum):
    """What a repeated request gets."""

    ANSWERED_AGAIN = "answered again"
    REFUSED = "refused"
    """The answer holds a secret, which is given once."""


def answer_once(
    answer: Callable[[], Response], *, call: Call, repeats: Repeats, kept: IdempotencyRepository
) -> Response:
    """`answer()`, or what the first request with the same key was answered."""
    key = request.headers.get(HEADER)
    if key is None or request.method in _READS:
        return answer()
    if not _FORM.fullmatch(key):
        raise InvalidRequest(
            f"{HEADER} must be 1 to 200 printable ASCII characters.",
            problems=[FieldProblem(HEADER, "must be 1 to 200 printable ASCII characters")],
        )
    scoped = f"{_bearer(call.caller)}\n{key}"
    match kept.begin(scoped, fingerprint=_fingerprint()):
        case Begun():
            return _first(answer, scoped, repeats=repeats, kept=kept)
        case Finished(status, body) if body is not None:
            return _again(status, body)
        case Finished():
            raise Conflict(
                "This request was answered already, with a secret that is given only once.",
                code="already_answered",
            )
        case InProgress():
            raise Conflict(
                "The first request with this key is still being answered.",
                code="request_in_progress",
            )
        case Reused():
            raise Conflict(
                f"This {HEADER} was used for another request.", code="idempotency_key_reused"
            )
        case unknown:
            assert_never(unknown)


def _bearer(caller: Caller) -> str:
    """Whose key it is. By token, since another one of the same subject may be allowed less; and
    nobody gets at a token's answers by being called as it is."""
    if caller.api_token_id is not None:
        return f"api_token:{caller.api_token_id}"
    return f"subject:{caller.subject}"


def _first(
    answer: Callable[[], Response], scoped: str, *, repeats: Repeats, kept: IdempotencyRepository
) -> Response:
    response = None
    try:
        response = answer()
    finally:
        if response is None:
            _abandon(scoped, kept)
    body = response.get_data(as_text=True) if repeats is Repeats.ANSWERED_AGAIN else None
    kept.finish(scoped, Finished(response.status_code, body))
    return response


def _abandon(scoped: str, kept: IdempotencyRepository) -> None:
    """Forget the claim; where that fails it lapses by itself, and the first error is told."""
    try:
        kept.abandon(scoped)
    except DependencyUnavailable:
        _log.warning("idempotency_claim_left")


def _again(status: int, body: str) -> Response:
    response = Response(body, status=status, content_type="application/json")
    response.headers["Idempotency-Replayed"] = "true"
    return response


def _fingerprint() -> str:
    """What makes two requests the same: method, address and body."""
    parts = (request.method.encode(), request.full_path.encode(), request.get_data(cache=True))
    return hashlib.sha256(b"\n".join(parts)).hexdigest()
