"""Forms that count once, however often they are sent: by a reload, a second click, a way back.

Each copy of such a form carries a random key of its own, which is an idempotency key like those of
the API. What is kept of its answer is where it leads, and never what it showed.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from enum import StrEnum
from http import HTTPStatus
from typing import TypeVar

from flask import request

from broker.domain.ports import Finished, IdempotencyRepository
from broker.services.calls import Call
from broker.web.idempotency import once, scoped

FIELD = "once"

Given = TypeVar("Given")


class Counts(StrEnum):
    """How often it counts that a form is sent, if somebody sends it again as it is."""

    EACH_TIME = "each time"
    """It does no harm: what is done is done, or is wanted anew."""

    ONCE = "once"


def new_key() -> str:
    """The key of one copy of a form."""
    return secrets.token_urlsafe(16)


def counted_once(
    view: Callable[[], Given],
    *,
    call: Call,
    kept: IdempotencyRepository,
    afterwards: Callable[[Given], str | None],
) -> Given | str:
    """What `view` gives; or the address of what came of the form, where it was sent before.

    `afterwards` says that address, or None where nothing has come of it. A form without a key, as
    nobody gets it from us, counts each time. Raises like `once`.
    """
    key = request.form.get(FIELD)
    if not key:
        return view()

    def finished(given: Given) -> Finished | None:
        address = afterwards(given)
        return None if address is None else Finished(HTTPStatus.SEE_OTHER.value, address)

    given = once(view, key=scoped(key, name=FIELD, call=call), kept=kept, finished=finished)
    return given if not isinstance(given, Finished) else given.body or "/"
