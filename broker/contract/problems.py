"""The model of every error (RFC 9457)."""

from __future__ import annotations

from pydantic import Field

from broker.contract.base import Answer


class FieldProblemAnswer(Answer):
    """What is wrong with one field."""

    field: str
    message: str


class ProblemAnswer(Answer):
    """An error (RFC 9457); `code` is stable, and the members after it come where they say more."""

    type: str
    title: str
    status: int
    code: str = Field(description="What to tell problems apart by; the sentence may change.")
    detail: str = Field(description="One sentence: what is wrong, and the way out.")
    request_id: str = Field(description="What to quote when asking the operator.")
    errors: list[FieldProblemAnswer] | None = Field(
        None, description="Each member of the request that does not validate."
    )
    reason: str | None = Field(None, description="Why a caller is not known, or may do nothing.")
    limit: str | None = Field(None, description="Which limit is reached.")
    retry_after: int | None = Field(None, description="Seconds until it is worth asking again.")
    grant_id: str | None = Field(None, description="The grant that the code speaks of.")
    state: str | None = Field(None, description="That grant's state.")
    approver: str | None = Field(None, description="Who has decided on it.")
