"""CloudTrail's event history: LookupEvents, at the rate that AWS allows for it."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import structlog
from botocore.exceptions import BotoCoreError, ClientError

from broker.aws.errors import THROTTLING, code_of, is_transient, log_refusal, unavailable
from broker.aws.pace import Pace
from broker.domain.identifiers import AccountId
from broker.domain.sessions import Credentials
from broker.domain.trail.events import TrailPart, TrailQuery, Unseen, parse_event
from broker.errors import FieldProblem, InvalidRequest, RateLimited, UpstreamRejected

if TYPE_CHECKING:
    from mypy_boto3_cloudtrail import CloudTrailClient
    from mypy_boto3_cloudtrail.type_defs import LookupEventsRequestTypeDef

LARGEST_PART = 50
"""Events in one answer (CloudTrail API, LookupEvents, MaxResults)."""

INTERVAL_SECONDS = 0.5
"""LookupEvents takes two requests a second per account and Region."""

PATIENCE_SECONDS = 20.0

TRIES = 5
FIRST_WAIT_SECONDS = 0.5

_DOING = "LookupEvents"

_NOT_ENABLED = frozenset(
    {"AuthFailure", "InvalidClientTokenId", "OptInRequired", "UnrecognizedClientException"}
)
"""How Regions that an account has not enabled answer to credentials that are good elsewhere."""

_FORBIDDEN = frozenset({"AccessDenied", "AccessDeniedException", "OperationNotPermittedException"})

_log = structlog.get_logger(__name__)


def pace() -> Pace:
    """The pace that LookupEvents asks for; one for all clients of a process."""
    return Pace(INTERVAL_SECONDS, PATIENCE_SECONDS)


@dataclass(frozen=True, slots=True, kw_only=True)
class CloudTrailHistory:
    """See `broker.domain.ports.Trail`. `client` makes one for credentials and a Region."""

    client: Callable[[Credentials, str], CloudTrailClient]
    pace: Pace
    sleep: Callable[[float], None] = time.sleep

    def look_up(
        self,
        query: TrailQuery,
        *,
        account_id: AccountId,
        credentials: Credentials,
        region: str,
        limit: int,
        cursor: str | None = None,
    ) -> TrailPart | Unseen:
        """Events of one Region; see the protocol."""
        request = _request(query, limit=limit, cursor=cursor)
        with closing(self.client(credentials, region)) as client:
            for wait in (*_waits(), None):
                if not self.pace.take_turn((account_id, region)):
                    raise _too_many()
                try:
                    answer = client.lookup_events(**request)
                except ClientError as e:
                    log_refusal(_DOING, e)
                    if wait is None or code_of(e) not in THROTTLING:
                        return _unseen(e)
                    self.sleep(wait)
                except BotoCoreError as e:
                    _log.warning("aws_unreachable", doing=_DOING, error=type(e).__name__)
                    raise unavailable() from e
                else:
                    return _part(answer, region=region)
        raise AssertionError("the last try returns or raises")


def _request(query: TrailQuery, *, limit: int, cursor: str | None) -> LookupEventsRequestTypeDef:
    request: LookupEventsRequestTypeDef = {
        "LookupAttributes": [{"AttributeKey": query.key.value, "AttributeValue": query.value}],
        "StartTime": query.since,
        "EndTime": query.until,
        "MaxResults": limit,
    }
    return request if cursor is None else {**request, "NextToken": cursor}


def _waits() -> list[float]:
    """Full jitter: each wait is drawn from nothing up to a bound that doubles."""
    bounds = [FIRST_WAIT_SECONDS * 2**number for number in range(TRIES - 1)]
    return [random.uniform(0, bound) for bound in bounds]  # noqa: S311 - spreads load, hides nothing


def _unseen(error: ClientError) -> Unseen:
    """Why this Region shows nothing; what concerns more than the Region is raised."""
    code = code_of(error)
    if code in _NOT_ENABLED:
        return Unseen.NOT_ENABLED
    if code in _FORBIDDEN:
        return Unseen.REFUSED
    if code == "InvalidNextTokenException":
        raise InvalidRequest(
            "The cursor is not one of this list. Begin again without it.",
            problems=[FieldProblem("cursor", "must be the `next` of an earlier answer")],
        ) from error
    if is_transient(error):
        raise unavailable() from error
    raise UpstreamRejected("AWS refused to show the account's trail.") from error


def _part(answer: Any, *, region: str) -> TrailPart:
    events = tuple(parse_event(found, region=region) for found in answer.get("Events", []))
    return TrailPart(events, answer.get("NextToken"))


def _too_many() -> RateLimited:
    return RateLimited(
        "AWS shows an account's trail twice a second, and many are asking. Try again shortly.",
        extra={"retry_after": int(PATIENCE_SECONDS)},
    )
