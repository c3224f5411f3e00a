"""The model of every error (RFC 9457)."""

from __future__ import annotations

from broker.contract.base import Answer


class FieldProblemAnswer(Answer):
    """What is wrong with one field."""

    field: str
    message: str


class ProblemAnswer(Answer):
    """An error (RFC 9457)."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    request_id: str
    errors: list[FieldProblemAnswer] | None = None
