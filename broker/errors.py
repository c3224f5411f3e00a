"""One tree of errors: each has a stable code, an HTTP status and a sentence for a person.

The public message never carries a secret, an ARN or the text of an AWS error; what an operator
needs beyond it travels as the exception's cause and ends in the log.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


class BrokerError(Exception):
    """Root of everything the broker raises on purpose.

    `code` is one of the stable codes of the HTTP contract, `status` the HTTP status it is
    answered with, `public_message` a sentence that says what to do. `extra` holds members to add
    to the problem document (`grant_id`, `retry_after`, …).
    """

    code = "internal_error"
    status = 500

    def __init__(
        self,
        public_message: str,
        *,
        code: str | None = None,
        extra: Mapping[str, str | int] | None = None,
    ) -> None:
        super().__init__(public_message)
        self.public_message = public_message
        self.extra = dict(extra or {})
        if code is not None:
            self.code = code


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """What is wrong with one field of a request; `field` is a dotted path, empty for the body."""

    field: str
    message: str


class InvalidRequest(BrokerError):
    """The request cannot be understood; `problems` names each field that is wrong."""

    code = "invalid_request"
    status = 400

    def __init__(
        self,
        public_message: str,
        *,
        code: str | None = None,
        problems: Sequence[FieldProblem] = (),
    ) -> None:
        super().__init__(public_message, code=code)
        self.problems = tuple(problems)


class Unauthenticated(BrokerError):
    """Nobody knows who is calling."""

    code = "unauthenticated"
    status = 401


class AccessDenied(BrokerError):
    """The caller is known and may not do this, for the reason that `code` names."""

    code = "forbidden"
    status = 403


class NotFound(BrokerError):
    """There is no such thing, or the caller may not know of it."""

    code = "not_found"
    status = 404


class Gone(BrokerError):
    """It was there, and can be used no more."""

    code = "gone"
    status = 410


class Conflict(BrokerError):
    """The request does not fit the present state; reading it again shows why."""

    code = "stale_version"
    status = 409


class RateLimited(BrokerError):
    """Too many requests; `extra["retry_after"]` says in how many seconds to try again."""

    code = "rate_limited"
    status = 429


class UpstreamRejected(BrokerError):
    """AWS understood the request and refused it."""

    code = "refused_by_aws"
    status = 502


class DependencyUnavailable(BrokerError):
    """The store, KMS or STS cannot be reached; the same request may succeed later."""

    code = "aws_unavailable"
    status = 503


class StoreUnavailable(DependencyUnavailable):
    """The broker's own store cannot be read or written: whatever goes on, none of it is kept."""

    code = "store_unavailable"


class LedgerUnavailable(StoreUnavailable):
    """The ledger cannot be written, so what it should have told is not done."""

    code = "ledger_unavailable"


class ConfigurationError(Exception):
    """The settings do not allow a start; lists every problem at once and no secret."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        listed = "\n".join(f"  - {problem}" for problem in self.problems)
        super().__init__(f"With these settings the broker cannot start:\n{listed}")
