"""How AWS sees the broker: its account, its refusals by code, and the time by AWS's clock."""

from __future__ import annotations

from datetime import UTC, datetime

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import EndpointConnectionError, NoCredentialsError
from botocore.stub import Stubber

from broker.aws.own_identity import StsMirror
from broker.domain.diagnosis.surroundings import OwnIdentity
from broker.errors import DependencyUnavailable

DATE = "Tue, 24 Nov 2026 12:00:00 GMT"
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
ANSWER = {"Account": "999900001111", "Arn": "arn:aws:iam::999900001111:user/x", "UserId": "x"}


@pytest.fixture
def sts():
    client = boto3.client(
        "sts",
        region_name="eu-central-1",
        aws_access_key_id="AKIA",
        aws_secret_access_key="s" * 40,
        config=Config(retries={"total_max_attempts": 1}),
    )
    with Stubber(client) as stubber:
        yield client, stubber


def answer(date: str | None) -> dict[str, object]:
    """GetCallerIdentity's answer with this Date header."""
    headers = {} if date is None else {"date": date}
    return {**ANSWER, "ResponseMetadata": {"HTTPStatusCode": 200, "HTTPHeaders": headers}}


def test_the_account_and_the_time(sts):
    """Both from one answer."""
    client, stubber = sts
    stubber.add_response("get_caller_identity", answer(DATE))
    assert StsMirror(client).look() == OwnIdentity(account_id="999900001111", refusal="", at=NOW)


@pytest.mark.parametrize("date", [None, "", "yesterday"])
def test_an_answer_without_a_time(sts, date):
    """The account is known all the same."""
    client, stubber = sts
    stubber.add_response("get_caller_identity", answer(date))
    seen = StsMirror(client).look()
    assert (seen.account_id, seen.at) == ("999900001111", None)


def test_a_refusal_is_told_by_its_code_and_has_a_time(sts):
    """A clock that is too far off is refused too, and that is when the time is wanted most."""
    client, stubber = sts
    stubber.add_client_error(
        "get_caller_identity",
        "SignatureDoesNotMatch",
        "arn:aws:iam::999900001111:user/x: Signature expired",
        http_status_code=403,
        response_meta={"HTTPHeaders": {"date": DATE}},
    )
    seen = StsMirror(client).look()
    assert seen == OwnIdentity(account_id=None, refusal="SignatureDoesNotMatch", at=NOW)


def test_an_outage_is_no_refusal(sts):
    """Nothing is known of credentials that could not be shown."""
    client, stubber = sts
    stubber.add_client_error("get_caller_identity", "InternalFailure", http_status_code=500)
    with pytest.raises(DependencyUnavailable):
        StsMirror(client).look()


def raising(error: Exception):
    """A client whose call fails before it is sent."""

    class Client:
        def get_caller_identity(self) -> object:
            raise error

    return Client()


def test_no_credentials_at_all():
    """Told apart from an AWS that cannot be reached."""
    seen = StsMirror(raising(NoCredentialsError())).look()
    assert seen == OwnIdentity(account_id=None, refusal="NoCredentialsError", at=None)
    with pytest.raises(DependencyUnavailable):
        StsMirror(raising(EndpointConnectionError(endpoint_url="https://sts"))).look()
