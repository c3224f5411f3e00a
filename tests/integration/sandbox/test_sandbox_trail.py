"""The sandbox's trail: what it records, and what LookupEvents answers of it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from botocore.exceptions import ClientError

from broker.sandbox.process import Sandbox
from tests.integration.sandbox.caller import Caller, code_of, policy, trust_of
from tests.integration.sandbox.observed.stage import Stage
from tests.integration.sandbox.trusting_account import Attempt, TrustingAccount

ROOM = iter(range(500000000001, 500000001000))
"""Accounts of the tests' own: the rate is counted for each account."""

Record = Mapping[str, Any]


@pytest.fixture
def account_id() -> str:
    """An account of the test's own."""
    return str(next(ROOM))


@pytest.fixture
def owner(sandbox: Sandbox, account_id: str) -> Caller:
    """Its administrator."""
    return Caller.owner(sandbox, sandbox.create_account(account_id))


@pytest.fixture
def session(owner: Caller, account_id: str) -> Caller:
    """A session named `jane` of a role that may look, but not touch."""
    iam = owner.client("iam")
    arn = iam.create_role(RoleName="looker", AssumeRolePolicyDocument=trust_of(account_id))["Role"]
    allowed = policy({"Action": ["ec2:Describe*", "s3:*", "cloudtrail:LookupEvents"]})
    iam.put_role_policy(RoleName="looker", PolicyName="looking", PolicyDocument=allowed)
    return owner.assume(arn["Arn"], RoleSessionName="jane", SourceIdentity="jane-doe")


def looked_up(caller: Caller, *, region: str = "us-east-1", **asked: Any) -> dict[str, Any]:
    """LookupEvents's answer."""
    return dict(caller.client("cloudtrail", region).lookup_events(**asked))


def by(key: str, value: str) -> list[dict[str, str]]:
    """The one filter that LookupEvents takes."""
    return [{"AttributeKey": key, "AttributeValue": value}]


def refused(call: Callable[[], object]) -> str:
    """The code of a refusal."""
    with pytest.raises(ClientError) as refusal:
        call()
    return code_of(refusal.value)


def test_a_session_is_found_by_its_name(session: Caller, owner: Caller) -> None:
    """What it was let do, what it was not, and nothing of anybody else."""
    ec2 = session.client("ec2")
    ec2.describe_instances()
    assert refused(lambda: ec2.create_vpc(CidrBlock="10.0.0.0/16")) == "UnauthorizedOperation"
    owner.client("ec2").describe_regions()
    events = looked_up(owner, LookupAttributes=by("Username", "jane"))["Events"]
    assert [(e["EventName"], e["ReadOnly"], e["EventSource"]) for e in events] == [
        ("CreateVpc", "false", "ec2.amazonaws.com"),
        ("DescribeInstances", "true", "ec2.amazonaws.com"),
    ]
    written, read = (json.loads(event["CloudTrailEvent"]) for event in events)
    assert written["errorCode"] == "Client.UnauthorizedOperation"
    assert "errorCode" not in read
    assert {event["AccessKeyId"] for event in events} == {session.access_key_id}


def test_a_record_names_the_session_as_documented(
    session: Caller, owner: Caller, account_id: str
) -> None:
    """IAM user guide, userIdentity of an assumed role: issuer, session, source identity."""
    session.client("ec2").describe_instances()
    found = looked_up(owner, LookupAttributes=by("Username", "jane"))["Events"]
    record: Record = json.loads(found[0]["CloudTrailEvent"])
    identity = record["userIdentity"]
    arn = f"arn:aws:sts::{account_id}:assumed-role/looker/jane"
    assert (identity["type"], identity["arn"]) == ("AssumedRole", arn)
    assert identity["sessionContext"]["sessionIssuer"]["userName"] == "looker"
    assert identity["sessionContext"]["sourceIdentity"] == "jane-doe"
    assert record["eventID"] == found[0]["EventId"]
    assert (record["readOnly"], record["managementEvent"]) == (True, True)
    assert record["recipientAccountId"] == account_id


def test_what_is_done_to_single_objects_is_no_management_event(
    session: Caller, owner: Caller
) -> None:
    """The event history holds management events only."""
    s3 = session.client("s3")
    s3.create_bucket(Bucket="papers-of-jane")
    s3.put_object(Bucket="papers-of-jane", Key="a", Body=b"a")
    s3.get_object(Bucket="papers-of-jane", Key="a")
    events = looked_up(owner, LookupAttributes=by("Username", "jane"))["Events"]
    assert [event["EventName"] for event in events] == ["CreateBucket"]


def test_a_refusal_of_the_service_itself_has_its_code(session: Caller, owner: Caller) -> None:
    """Let through, and refused by what it was about."""
    bucket = "nowhere-to-be-found"
    s3 = session.client("s3")
    assert refused(lambda: s3.get_bucket_policy(Bucket=bucket)) == "NoSuchBucket"
    (event,) = looked_up(owner, LookupAttributes=by("Username", "jane"))["Events"]
    assert json.loads(event["CloudTrailEvent"])["errorCode"] == "NoSuchBucket"


def test_regions_do_not_know_of_each_other(session: Caller, owner: Caller) -> None:
    """LookupEvents answers for its own Region."""
    session.client("ec2", "eu-central-1").describe_instances()
    jane = by("Username", "jane")
    assert looked_up(owner, LookupAttributes=jane)["Events"] == []
    found = looked_up(owner, region="eu-central-1", LookupAttributes=jane)["Events"]
    assert [event["EventName"] for event in found] == ["DescribeInstances"]


def test_paging_shows_every_event_once(session: Caller, owner: Caller) -> None:
    """Newest first, though events are added meanwhile."""
    for _ in range(5):
        session.client("ec2").describe_instances()
    asked = {"LookupAttributes": by("Username", "jane"), "MaxResults": 2}
    part = looked_up(owner, **asked)
    seen = [event["EventId"] for event in part["Events"]]
    while "NextToken" in part:
        session.client("ec2").describe_instances()
        time.sleep(0.5)  # the rate that is allowed
        part = looked_up(owner, NextToken=part["NextToken"], **asked)
        seen += [event["EventId"] for event in part["Events"]]
    assert len(seen) == len(set(seen)) == 5


def test_a_token_goes_with_what_gave_it(session: Caller, owner: Caller) -> None:
    """CloudTrail API, InvalidNextTokenException."""
    for _ in range(2):
        session.client("ec2").describe_instances()
    token = looked_up(owner, LookupAttributes=by("Username", "jane"), MaxResults=1)["NextToken"]
    other = by("Username", "john")
    code = refused(lambda: looked_up(owner, LookupAttributes=other, MaxResults=1, NextToken=token))
    assert code == "InvalidNextTokenException"


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"MaxResults": 51}, "InvalidMaxResultsException"),
        ({"MaxResults": 0}, "InvalidMaxResultsException"),
        ({"StartTime": 2_000_000_000, "EndTime": 1}, "InvalidTimeRangeException"),
        (
            {"LookupAttributes": [*by("Username", "a"), *by("EventName", "b")]},
            "InvalidLookupAttributesException",
        ),
    ],
)
def test_what_cannot_be_looked_up(owner: Caller, asked: dict[str, Any], code: str) -> None:
    """Refused with AWS's codes."""
    assert refused(lambda: looked_up(owner, **asked)) == code


def test_two_a_second_and_no_more(owner: Caller) -> None:
    """CloudTrail API: the rate is for each account and Region."""
    client = owner.client("cloudtrail")
    codes = []
    for _ in range(6):
        try:
            client.lookup_events()
        except ClientError as e:
            codes.append(code_of(e))
    assert set(codes) == {"ThrottlingException"}
    assert looked_up(owner, region="eu-west-1")["Events"] == []


def test_it_has_to_be_allowed(owner: Caller, account_id: str) -> None:
    """By cloudtrail:LookupEvents, like every other call."""
    iam = owner.client("iam")
    arn = iam.create_role(RoleName="blind", AssumeRolePolicyDocument=trust_of(account_id))["Role"]
    blind = owner.assume(arn["Arn"])
    assert refused(lambda: looked_up(blind)) == "AccessDeniedException"


def test_an_exchange_is_recorded_with_what_it_gave(stage: Stage, sandbox: Sandbox) -> None:
    """IAM user guide, example of a web identity event."""
    account = TrustingAccount.set_up(stage)
    answer = account.assume(Attempt())
    owner = Caller.owner(sandbox, sandbox.create_account(account.scenery.role.split(":")[4]))
    record = exchanges(owner)[0]
    assert record["userIdentity"]["type"] == "WebIdentityUser"
    assert record["userIdentity"]["userName"] == answer["SubjectFromWebIdentityToken"]
    assert record["requestParameters"]["roleArn"] == account.scenery.role
    assert record["requestParameters"]["principalTags"]["Session"] == "s-1"
    assert record["requestParameters"]["sourceIdentity"] == "engineer@example.test"
    given = record["responseElements"]["credentials"]
    assert given["accessKeyId"] == answer["Credentials"]["AccessKeyId"]


def test_an_exchange_that_trust_refuses_is_recorded_without(stage: Stage, sandbox: Sandbox) -> None:
    """And one whose token is no good at all is not: CloudTrail stays silent there."""
    account = TrustingAccount.set_up(stage)
    owner = Caller.owner(sandbox, sandbox.create_account(account.scenery.role.split(":")[4]))
    before = {record["eventID"] for record in exchanges(owner)}
    assert refused(lambda: account.assume(Attempt(claims={"sub": "somebody"}))) == "AccessDenied"
    forged = Attempt(forge=lambda token: token[:-4] + "AAAA")
    assert refused(lambda: account.assume(forged)) == "InvalidIdentityToken"
    (found,) = [record for record in exchanges(owner) if record["eventID"] not in before]
    assert (found["errorCode"], found["responseElements"]) == ("AccessDenied", None)
    assert found["userIdentity"]["userName"] == "somebody"


def exchanges(owner: Caller) -> list[Record]:
    """The newest records of AssumeRoleWithWebIdentity, in the account and in all its tests."""
    time.sleep(0.5)  # the rate that is allowed
    events = looked_up(owner, LookupAttributes=by("EventName", "AssumeRoleWithWebIdentity"))
    return [json.loads(event["CloudTrailEvent"]) for event in events["Events"]]
