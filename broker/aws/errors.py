"""From AWS's errors to ours: told apart by code, never passed on by text (they carry ARNs)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import structlog
from botocore.exceptions import BotoCoreError, ClientError

from broker.errors import DependencyUnavailable, UpstreamRejected

_log = structlog.get_logger(__name__)

THROTTLING = frozenset(
    {
        "LimitExceededException",
        "PriorRequestNotComplete",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "SlowDown",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)
"""Codes by which AWS asks to be called less often."""

ISSUER_UNREACHABLE = frozenset({"IDPCommunicationError", "OpenIdIdpCommunicationError"})
"""Codes by which STS and IAM say that they could not fetch the issuer's documents."""


def code_of(error: ClientError) -> str:
    """AWS's error code."""
    return str(error.response.get("Error", {}).get("Code", ""))


def is_transient(error: ClientError) -> bool:
    """Whether AWS itself says that the same call may succeed later."""
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return code_of(error) in THROTTLING or status >= 500


@contextmanager
def translated(doing: str, *, refused: str) -> Iterator[None]:
    """Turn AWS's errors in the block into ours; `refused` is the sentence for a refusal.

    The log gets AWS's code and request id, the caller neither.
    """
    try:
        yield
    except ClientError as e:
        log_refusal(doing, e)
        if code_of(e) in ISSUER_UNREACHABLE:
            raise issuer_unreachable() from e
        if is_transient(e):
            raise unavailable() from e
        raise UpstreamRejected(refused) from e
    except BotoCoreError as e:
        _log.warning("aws_unreachable", doing=doing, error=type(e).__name__)
        raise unavailable() from e


def log_refusal(doing: str, error: ClientError) -> None:
    """Say in the log which call AWS refused, by code and AWS request id, without its text."""
    _log.warning(
        "aws_refused",
        doing=doing,
        aws_code=code_of(error),
        aws_request_id=error.response.get("ResponseMetadata", {}).get("RequestId"),
    )


def unavailable() -> DependencyUnavailable:
    """AWS cannot be reached, fails or throttles."""
    return DependencyUnavailable("AWS does not answer at the moment. Try again shortly.")


def issuer_unreachable() -> UpstreamRejected:
    """AWS could not fetch the issuer's documents, and CloudTrail will not show it."""
    return UpstreamRejected(
        "AWS could not fetch this issuer's keys. Check that the issuer URL is reachable from the "
        "internet and answers within 5 seconds.",
        code="issuer_unreachable_from_aws",
    )
