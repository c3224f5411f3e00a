"""Signature Version 4 against AWS's published example, and one change at a time."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from broker.sandbox.calls.answers import Failure, Refusal
from broker.sandbox.calls.received import ReceivedRequest
from broker.sandbox.calls.signature import Authorization, verify

SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
NOW = datetime(2015, 8, 30, 12, 36, tzinfo=UTC)

# AWS General Reference, "Signature Version 4 signing process", the example of IAM's ListUsers.
REQUEST = ReceivedRequest(
    method="GET",
    path="/",
    query="Action=ListUsers&Version=2010-05-08",
    headers={
        "content-type": "application/x-www-form-urlencoded; charset=utf-8",
        "host": "iam.amazonaws.com",
        "x-amz-date": "20150830T123600Z",
    },
    body=b"",
)
AUTHORIZATION = Authorization(
    access_key_id="AKIDEXAMPLE",
    date="20150830",
    region="us-east-1",
    service="iam",
    signed_headers=("content-type", "host", "x-amz-date"),
    signature="5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7",
)


def test_published_example() -> None:
    """The signature that AWS prints in its documentation verifies."""
    verify(REQUEST, AUTHORIZATION, SECRET, now=NOW)


@pytest.mark.parametrize(
    "request_",
    [
        replace(REQUEST, method="POST"),
        replace(REQUEST, path="/x"),
        replace(REQUEST, query="Action=ListRoles&Version=2010-05-08"),
        replace(REQUEST, body=b"x"),
        replace(REQUEST, headers={**REQUEST.headers, "host": "sts.amazonaws.com"}),
        replace(REQUEST, headers={**REQUEST.headers, "x-amz-target": "a.B"}),
        replace(REQUEST, headers={**REQUEST.headers, "x-amz-content-sha256": "UNSIGNED-PAYLOAD"}),
        replace(REQUEST, headers={"host": "iam.amazonaws.com", "x-amz-date": "20150830T123600Z"}),
    ],
)
def test_changed_request(request_: ReceivedRequest) -> None:
    """Nothing about the request can be changed, nor a header of AWS's be added."""
    with pytest.raises(Refusal) as caught:
        verify(request_, AUTHORIZATION, SECRET, now=NOW)
    assert caught.value.failure is Failure.WRONG_SIGNATURE


@pytest.mark.parametrize(
    "authorization",
    [
        replace(AUTHORIZATION, date="20150831"),
        replace(AUTHORIZATION, region="us-east-2"),
        replace(AUTHORIZATION, service="sts"),
        replace(AUTHORIZATION, signed_headers=("content-type", "x-amz-date")),
        replace(AUTHORIZATION, signature="0" * 64),
    ],
)
def test_changed_authorization(authorization: Authorization) -> None:
    """The scope is part of what is signed, and the host must be."""
    with pytest.raises(Refusal) as caught:
        verify(REQUEST, authorization, SECRET, now=NOW)
    assert caught.value.failure is Failure.WRONG_SIGNATURE


def test_other_secret() -> None:
    """Another secret, another signature."""
    with pytest.raises(Refusal):
        verify(REQUEST, AUTHORIZATION, SECRET + "x", now=NOW)


@pytest.mark.parametrize("minutes", [-15, 15])
def test_within_fifteen_minutes(minutes: int) -> None:
    """A client's clock may be off by a quarter of an hour, and no second more."""
    edge = NOW + timedelta(minutes=minutes)
    verify(REQUEST, AUTHORIZATION, SECRET, now=edge)
    beyond = edge + timedelta(seconds=1 if minutes > 0 else -1)
    with pytest.raises(Refusal) as caught:
        verify(REQUEST, AUTHORIZATION, SECRET, now=beyond)
    assert caught.value.failure is Failure.SKEWED


@pytest.mark.parametrize("date", ["", "20150830", "2015-08-30T12:36:00Z", "20159930T123600Z"])
def test_malformed_date(date: str) -> None:
    """A date in another form is no date."""
    request = replace(REQUEST, headers={**REQUEST.headers, "x-amz-date": date})
    with pytest.raises(Refusal) as caught:
        verify(request, AUTHORIZATION, SECRET, now=NOW)
    assert caught.value.failure is Failure.MALFORMED_AUTHENTICATION
