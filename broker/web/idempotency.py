"""`Idempotency-Key`: the same write asked again gets the first answer again, for a day.

Answers with secrets are never kept: asking again for one is refused as `already_answered`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from enum import StrEnum
from typing import TypeVar, assert_never

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

Answer = TypeVar("Answer")


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
    given = once(
        answer,
        key=scoped(key, name=HEADER, call=call),
        kept=kept,
        finished=lambda response: _finished(response, repeats),
    )
    if not isinstance(given, Finished):
        return given
    if given.body is None:
        raise Conflict(
            "This request was answered already, with a secret that is given only once.",
            code="already_answered",
        )
    return _again(given.status, given.body)


def scoped(key: str, *, name: str, call: Call) -> str:
    """The key `key` of whoever calls, and of nobody else; `name` is what they know it by.

    Raises InvalidRequest where it is no key.
    """
    if not _FORM.fullmatch(key):
        fault = "must be 1 to 200 printable ASCII characters"
        raise InvalidRequest(f"{name} {fault}.", problems=[FieldProblem(name, fault)])
    return f"{_bearer(call.caller)}\n{key}"


def once(
    answer: Callable[[], Answer],
    *,
    key: str,
    kept: IdempotencyRepository,
    finished: Callable[[Answer], Finished | None],
) -> Answer | Finished:
    """`answer()`, or what `finished` said of the answer to the first request with that key.

    Where it says None, as where answering fails, nothing has come of the request, and the next one
    is the first. Raises Conflict while the first is being answered, and if it was another request.
    """
    match kept.begin(key, fingerprint=_fingerprint()):
        case Begun():
            return _first(answer, key, kept=kept, finished=finished)
        case Finished() as earlier:
            return earlier
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
    answer: Callable[[], Answer],
    key: str,
    *,
    kept: IdempotencyRepository,
    finished: Callable[[Answer], Finished | None],
) -> Answer:
    outcome = None
    try:
        given = answer()
        outcome = finished(given)
    finally:
        if outcome is None:
            _abandon(key, kept)
    if outcome is not None:
        kept.finish(key, outcome)
    return given


def _finished(response: Response, repeats: Repeats) -> Finished:
    """What is kept of an answer: no body that holds a secret."""
    body = response.get_data(as_text=True) if repeats is Repeats.ANSWERED_AGAIN else None
    return Finished(response.status_code, body)


def _abandon(key: str, kept: IdempotencyRepository) -> None:
    """Forget the claim; where that fails it lapses by itself, and the first error is told."""
    try:
        kept.abandon(key)
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
