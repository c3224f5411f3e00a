"""LookupEvents: what is asked, what is tried again, and what a Region's refusal means."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import EndpointConnectionError
from botocore.stub import Stubber
from structlog.testing import capture_logs

from broker.aws.clients import AwsLocation, Clients
from broker.aws.cloudtrail import (
    FIRST_WAIT_SECONDS,
    PATIENCE_SECONDS,
    TRIES,
    CloudTrailHistory,
    pace,
)
from broker.aws.pace import Pace
from broker.aws.partitions import regions_beside
from broker.domain.identifiers import AccountId
from broker.domain.sessions import Credentials
from broker.domain.trail.events import LookupKey, TrailPart, TrailQuery, Unseen
from broker.errors import (
    BrokerError,
    DependencyUnavailable,
    InvalidRequest,
    RateLimited,
    UpstreamRejected,
)
from tests.unit.domain.trail_records import call_record, exchange_record, found

ACCOUNT, OTHER = AccountId("111122223333"), AccountId("444455556666")
SINCE, UNTIL = datetime(2026, 11, 24, 12, tzinfo=UTC), datetime(2026, 11, 24, 13, tzinfo=UTC)
NAME = "jane@vendor.example@T-1042-5e5e5e5e"
QUERY = TrailQuery(key=LookupKey.USER_NAME, value=NAME, since=SINCE, until=UNTIL)
CREDENTIALS = Credentials(
    access_key_id="ASIA0123456789ABCDEF",
    secret_access_key="s" * 40,
    session_token="t" * 40,
    expiration=UNTIL,
)
ASKED: dict[str, Any] = {
    "LookupAttributes": [{"AttributeKey": "Username", "AttributeValue": NAME}],
    "StartTime": SINCE,
    "EndTime": UNTIL,
    "MaxResults": 50,
}


@dataclass
class Time:
    """A clock that only moves when somebody sleeps."""

    now: float = 1000.0
    slept: list[float] = field(default_factory=list)

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@dataclass
class Recorded:
    """CloudTrail with recorded answers, and the history that reads them."""

    stub: Stubber
    history: CloudTrailHistory
    time: Time
    made: list[tuple[Credentials, str]]

    def look_up(self, *, cursor: str | None = None) -> TrailPart | Unseen:
        return self.history.look_up(
            QUERY,
            account_id=ACCOUNT,
            credentials=CREDENTIALS,
            region="eu-central-1",
            limit=50,
            cursor=cursor,
        )

    def refuse(self, code: str, status: int = 400) -> None:
        """Answer the next call so, with a text that must not get out."""
        self.stub.add_client_error(
            "lookup_events",
            service_error_code=code,
            service_message="arn:aws:iam::111122223333:role/secret",
            http_status_code=status,
            expected_params=ASKED,
        )


@pytest.fixture
def recorded() -> Iterator[Recorded]:
    """Each test says what is answered, in order; all of it must be asked for."""
    client = boto3.client(
        "cloudtrail",
        region_name="eu-central-1",
        aws_access_key_id="a",
        aws_secret_access_key="b",
        config=Config(retries={"total_max_attempts": 1}),
    )
    time, made = Time(), []

    def make(credentials: Credentials, region: str) -> Any:
        made.append((credentials, region))
        return client

    with Stubber(client) as stub:
        history = CloudTrailHistory(
            client=make,
            pace=Pace(0.5, PATIENCE_SECONDS, clock=time.clock, sleep=time.sleep),
            sleep=time.sleep,
        )
        yield Recorded(stub, history, time, made)
        stub.assert_no_pending_responses()


def test_an_answer_as_documented(recorded: Recorded) -> None:
    """Filter, times and size are what was asked; events come parsed, with the way to the next."""
    events = [found(call_record()), found(exchange_record())]
    recorded.stub.add_response("lookup_events", {"Events": events, "NextToken": "next"}, ASKED)
    part = recorded.look_up()
    assert isinstance(part, TrailPart)
    assert [event.name for event in part.events] == [
        "TerminateInstances",
        "AssumeRoleWithWebIdentity",
    ]
    assert part.next == "next"
    assert recorded.made == [(CREDENTIALS, "eu-central-1")]


def test_the_next_part_goes_with_the_same_parameters(recorded: Recorded) -> None:
    """CloudTrail API: the token must be passed in with the parameters of the original call."""
    recorded.stub.add_response("lookup_events", {"Events": []}, {**ASKED, "NextToken": "next"})
    assert recorded.look_up(cursor="next") == TrailPart((), None)


def test_throttling_is_tried_again_after_a_while(recorded: Recorded) -> None:
    """Others share the rate: the pace of this process alone does not keep to it."""
    recorded.refuse("ThrottlingException")
    recorded.refuse("ThrottlingException")
    recorded.stub.add_response("lookup_events", {"Events": []}, ASKED)
    waits: list[float] = []
    unhurried = replace(recorded.history, pace=Pace(0, 0), sleep=waits.append)
    assert replace(recorded, history=unhurried).look_up() == TrailPart((), None)
    assert len(waits) == 2
    assert all(0 <= wait <= 2 * FIRST_WAIT_SECONDS for wait in waits)


def test_throttling_without_end(recorded: Recorded) -> None:
    """Then it is unavailable, and nobody has seen anything."""
    for _ in range(TRIES):
        recorded.refuse("ThrottlingException")
    with pytest.raises(DependencyUnavailable):
        recorded.look_up()


@pytest.mark.parametrize(
    ("code", "unseen"),
    [
        ("UnrecognizedClientException", Unseen.NOT_ENABLED),
        ("InvalidClientTokenId", Unseen.NOT_ENABLED),
        ("OptInRequired", Unseen.NOT_ENABLED),
        ("AccessDeniedException", Unseen.REFUSED),
        ("AccessDenied", Unseen.REFUSED),
        ("OperationNotPermittedException", Unseen.REFUSED),
    ],
)
def test_a_region_that_shows_nothing(recorded: Recorded, code: str, unseen: Unseen) -> None:
    """Told apart: one is not in use, in the other something might be hidden."""
    recorded.refuse(code)
    assert recorded.look_up() is unseen


@pytest.mark.parametrize(
    ("code", "status", "error"),
    [
        ("InvalidNextTokenException", 400, InvalidRequest),
        ("InternalFailure", 500, DependencyUnavailable),
        ("InvalidLookupAttributesException", 400, UpstreamRejected),
    ],
)
def test_other_refusals_are_ours_without_aws_text(
    recorded: Recorded, code: str, status: int, error: type[BrokerError]
) -> None:
    """Texts of AWS carry ARNs; the log has the code."""
    recorded.refuse(code, status)
    with capture_logs() as logs, pytest.raises(error) as raised:
        recorded.look_up()
    assert "arn:" not in raised.value.public_message
    assert [entry["aws_code"] for entry in logs] == [code]
    assert "arn:" not in str(logs)


def test_a_connection_that_fails(recorded: Recorded) -> None:
    """It is unavailable, not refused."""

    class Gone:
        closed = False

        def lookup_events(self, **_: Any) -> None:
            raise EndpointConnectionError(endpoint_url="https://nowhere")

        def close(self) -> None:
            Gone.closed = True

    history = CloudTrailHistory(client=lambda *_: Gone(), pace=pace())
    with pytest.raises(DependencyUnavailable):
        Recorded(recorded.stub, history, recorded.time, []).look_up()
    assert Gone.closed


def test_two_a_second_and_no_more(recorded: Recorded) -> None:
    """CloudTrail API: two requests a second, per account, per Region."""
    for _ in range(7):
        recorded.stub.add_response("lookup_events", {"Events": []}, ASKED)
        recorded.look_up()
    assert recorded.time.now == 1003.0


def test_too_many_who_wait_are_sent_away(recorded: Recorded) -> None:
    """Nobody holds a thread for longer than a request may take; AWS is not even asked."""
    calls = int(PATIENCE_SECONDS / 0.5) + 1
    standing_still = Pace(0.5, PATIENCE_SECONDS, clock=lambda: 0.0, sleep=lambda _: None)
    history = CloudTrailHistory(client=recorded.history.client, pace=standing_still)
    impatient = Recorded(recorded.stub, history, recorded.time, [])
    for _ in range(calls):
        recorded.stub.add_response("lookup_events", {"Events": []}, ASKED)
        impatient.look_up()
    with pytest.raises(RateLimited) as raised:
        impatient.look_up()
    assert raised.value.extra["retry_after"] == PATIENCE_SECONDS


@pytest.mark.parametrize(
    ("account_id", "region", "now"),
    [
        (ACCOUNT, "eu-central-1", 1000.5),
        (ACCOUNT, "us-east-1", 1000.0),
        (OTHER, "eu-central-1", 1000.0),
    ],
)
def test_accounts_and_regions_do_not_wait_for_each_other(
    recorded: Recorded, account_id: AccountId, region: str, now: float
) -> None:
    """The rate is for each of them."""
    for _ in range(2):
        recorded.stub.add_response("lookup_events", {"Events": []}, ASKED)
    recorded.look_up()
    recorded.history.look_up(
        QUERY, account_id=account_id, credentials=CREDENTIALS, region=region, limit=50
    )
    assert recorded.time.now == now


def test_keys_whose_turn_is_over_are_forgotten() -> None:
    """A pace does not grow with every account that was ever looked at."""
    time = Time()
    kept = Pace(0.5, 20, clock=time.clock, sleep=time.sleep)
    for number in range(5000):
        kept.take_turn(number)
        time.now += 1
    assert len(kept._free_at) <= 4096


def test_a_client_is_for_its_region_and_does_not_retry_by_itself() -> None:
    """botocore's own retries would come faster than the pace allows."""
    clients = Clients(AwsLocation(region="eu-central-1"), connections=1)
    client = clients.cloudtrail(CREDENTIALS, "us-west-2")
    assert client.meta.region_name == "us-west-2"
    assert client.meta.endpoint_url == "https://cloudtrail.us-west-2.amazonaws.com"
    assert client.meta.config.retries["total_max_attempts"] == 1


@pytest.mark.parametrize(
    ("region", "of_global_services"),
    [
        ("eu-central-1", "us-east-1"),
        ("cn-northwest-1", "cn-north-1"),
        ("us-gov-east-1", "us-gov-west-1"),
        ("eusc-de-east-1", None),
    ],
)
def test_the_regions_of_a_partition(region: str, of_global_services: str | None) -> None:
    """From botocore's data; where IAM's calls are recorded differs from partition to partition."""
    beside = regions_beside(region)
    assert region in beside.all
    assert beside.of_global_services == of_global_services
    assert of_global_services is None or of_global_services in beside.all
