"""What all models of the HTTP contract share."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from broker.domain.identifiers import AccountId

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
"""Line breaks, what steers terminals, and what turns round the writing behind it (Unicode Standard
Annex 9, section 2): whoever decides must read what stands in the ledger."""


def _one_line(text: str) -> str:
    if _CONTROL.search(text):
        raise ValueError("must be one line, without control characters")
    return text


ShortText = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_one_line)]
LongText = Annotated[str, Field(max_length=500), AfterValidator(_one_line)]


class Body(BaseModel):
    """A request body: exact types, no unknown members."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Answer(BaseModel):
    """An answer's body."""

    model_config = ConfigDict(frozen=True)


LARGEST_PART = 200
"""Items of the largest part of a list that is answered at once."""


class ListQuery(BaseModel):
    """Which part of a list."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    limit: Annotated[int, Field(ge=1, le=LARGEST_PART)] = 50
    cursor: Annotated[str, Field(max_length=200)] | None = None


class AccountListQuery(ListQuery):
    """Which part of a list, of which account."""

    account_id: AccountId | None = None


class NoQuery(BaseModel):
    """No query parameters."""

    model_config = ConfigDict(extra="forbid", frozen=True)
