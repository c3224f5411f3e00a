"""The exchange: what is retried, what is not, and that nothing of AWS's text gets out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import EndpointConnectionError
from botocore.stub import Stubber

from broker.aws.web_identity import TRIES, StsWebIdentity
from broker.errors import DependencyUnavailable, UpstreamRejected

ARN = "arn:aws:iam::111122223333:role/Acme-Support-ReadOnly"
EXPIRES = datetime(2026, 11, 24, 13, tzinfo=UTC)
ANSWER = {
    "Credentials": {
        "AccessKeyId": "ASIA0123456789ABCDEF",
        "SecretAccessKey": "s" * 40,
        "SessionToken": "t" * 300,
        "Expiration": EXPIRES,
    }
}
ASKED = {
    "RoleArn": ARN,
    "RoleSessionName": "jane@T-1-01234567",
    "WebIdentityToken": "token",
    "DurationSeconds": 900,
}


@pytest.fixture
def sts():
    client = boto3.client(
        "sts",
        region_name="eu-central-1",
        config=Config(signature_version=UNSIGNED, retries={"total_max_attempts": 1}),
    )
    with Stubber(client) as stubber:
        yield client, stubber


def exchange(client, waits=None, policy=None):
    """Exchange a token, noting waits instead of waiting."""
    waits = [] if waits is None else waits
    return StsWebIdentity(client, sleep=waits.append).exchange(
        identity_token="token",
        role_arn=ARN,
        role_session_name="jane@T-1-01234567",
        duration=timedelta(seconds=900),
        session_policy=policy,
    )


def test_credentials_come_as_sts_gave_them(sts):
    """Expiration is STS's own, in UTC; the secrets do not print."""
    client, stubber = sts
    stubber.add_response("assume_role_with_web_identity", ANSWER, ASKED)
    credentials = exchange(client)
    assert credentials.expiration == EXPIRES
    assert "s" * 40 not in repr(credentials)
    assert "t" * 300 not in repr(credentials)


def test_a_session_policy_is_passed_on(sts):
    """Narrowing is what STS is told, word for word."""
    client, stubber = sts
    stubber.add_response(
        "assume_role_with_web_identity", ANSWER, {**ASKED, "Policy": '{"Statement":[]}'}
    )
    exchange(client, policy='{"Statement":[]}')
    stubber.assert_no_pending_responses()


@pytest.mark.parametrize(
    ("code", "status"),
    [("IDPCommunicationError", 400), ("Throttling", 400), ("ThrottlingException", 429)],
)
def test_what_may_pass_is_tried_again(sts, code, status):
    """With growing, jittered waits."""
    client, stubber = sts
    for _ in range(TRIES - 1):
        stubber.add_client_error("assume_role_with_web_identity", code, "m", status)
    stubber.add_response("assume_role_with_web_identity", ANSWER, ASKED)
    waits = []
    assert exchange(client, waits).access_key_id == "ASIA0123456789ABCDEF"
    assert len(waits) == TRIES - 1
    assert all(0 <= wait <= 0.4 for wait in waits)


REFUSALS = {
    "denied": ("AccessDenied", f"not authorized on {ARN}", 403, "refused_by_aws"),
    "bad token": ("InvalidIdentityToken", f"could not be validated {ARN}", 400, "refused_by_aws"),
    "expired": ("ExpiredTokenException", f"Token expired {ARN}", 400, "refused_by_aws"),
    "too long": ("ValidationError", f"exceeds the maximum {ARN}", 400, "refused_by_aws"),
    "no key": (
        "InvalidIdentityToken",
        "Couldn't retrieve verification key from your identity provider,  please reference …",
        400,
        "issuer_unreachable_from_aws",
    ),
}


@pytest.mark.parametrize(("aws", "text", "status", "code"), REFUSALS.values(), ids=REFUSALS)
def test_refusals_are_final_and_say_nothing_of_awss_text(sts, aws, text, status, code):
    """One try, our code, no ARN."""
    client, stubber = sts
    stubber.add_client_error("assume_role_with_web_identity", aws, text, status)
    with pytest.raises(UpstreamRejected) as caught:
        exchange(client)
    assert caught.value.code == code
    assert "arn:" not in str(caught.value)
    stubber.assert_no_pending_responses()


def test_an_issuer_that_stays_unreachable_is_named(sts):
    """After the last try it is the issuer's problem, which CloudTrail does not show."""
    client, stubber = sts
    for _ in range(TRIES):
        stubber.add_client_error("assume_role_with_web_identity", "IDPCommunicationError", "m", 400)
    with pytest.raises(UpstreamRejected) as caught:
        exchange(client)
    assert caught.value.code == "issuer_unreachable_from_aws"


def test_a_failing_sts_is_unavailable_and_not_hammered(sts):
    """A 500 is not retried here: only what AWS says may pass."""
    client, stubber = sts
    stubber.add_client_error("assume_role_with_web_identity", "InternalFailure", "m", 500)
    with pytest.raises(DependencyUnavailable):
        exchange(client)


def test_an_unreachable_sts_is_unavailable(sts, monkeypatch):
    """No connection: a sentence, not a trace."""
    client, _ = sts

    def refuse(**_):
        raise EndpointConnectionError(endpoint_url="https://sts.example")

    monkeypatch.setattr(client, "assume_role_with_web_identity", refuse)
    with pytest.raises(DependencyUnavailable) as caught:
        exchange(client)
    assert "sts.example" not in str(caught.value)
