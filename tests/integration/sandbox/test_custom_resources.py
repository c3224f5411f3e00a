"""CloudFormation's dialogue with custom resources: what it asks, in which order, what it takes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import httpx
import pytest
from botocore.exceptions import ClientError

from broker.sandbox.process import Sandbox, SandboxError
from tests.integration.sandbox.caller import Caller
from tests.integration.sandbox.subscriber import Answer, Request, Subscriber, fail, succeed

VENDOR, CUSTOMER = "300000000021", "300000000022"
TOPIC = f"arn:aws:sns:us-east-1:{VENDOR}:custom"
ROLE = "Custom-Role"
TEMPLATE = f"""
Parameters:
  Word: {{Type: String, Default: one}}
  More: {{Type: String, Default: "no"}}
Conditions:
  HasMore: !Equals [!Ref More, "yes"]
Resources:
  Role:
    Type: AWS::IAM::Role
    Properties:
      RoleName: {ROLE}
      AssumeRolePolicyDocument:
        Version: 2012-10-17
        Statement: [{{Effect: Allow, Principal: {{AWS: "{VENDOR}"}}, Action: "sts:AssumeRole"}}]
  Policy:
    Type: AWS::IAM::Policy
    Properties:
      PolicyName: policy
      Roles: [!Ref Role]
      PolicyDocument:
        Version: 2012-10-17
        Statement: [{{Effect: Allow, Action: "iam:GetRole", Resource: !GetAtt Role.Arn}}]
  Hook:
    Type: Custom::Hook
    DependsOn: Policy
    Properties: {{ServiceToken: "{TOPIC}", Word: !Ref Word, Number: 5, Flag: true}}
  Second:
    Type: Custom::Hook
    Condition: HasMore
    DependsOn: Hook
    Properties: {{ServiceToken: "{TOPIC}", Word: second}}
Outputs:
  Kind: {{Value: !GetAtt Hook.Kind}}
  Name: {{Value: !Ref Hook}}
"""


@pytest.fixture(scope="module")
def vendor(sandbox: Sandbox) -> Caller:
    return Caller.owner(sandbox, sandbox.create_account(VENDOR))


@pytest.fixture(scope="module")
def owner(sandbox: Sandbox) -> Caller:
    return Caller.owner(sandbox, sandbox.create_account(CUSTOMER))


@pytest.fixture
def subscriber(sandbox: Sandbox, vendor: Caller) -> Iterator[Subscriber]:
    with Subscriber(sandbox.url, vendor.client("sns")) as running:
        sandbox.subscribe(TOPIC, running.url)
        yield running


def has_role(owner: Caller) -> bool:
    roles = owner.client("iam").list_roles()["Roles"]
    return ROLE in {role["RoleName"] for role in roles}


def kinds(subscriber: Subscriber) -> list[str]:
    return [f"{each['RequestType']} {each['LogicalResourceId']}" for each in subscriber.requests]


def test_a_life(sandbox: Sandbox, owner: Caller, subscriber: Subscriber) -> None:
    """Created after, and deleted before, what it depends on; data and name are the stack's."""
    role_there: list[bool] = []

    def answer(request: Request) -> Answer:
        role_there.append(has_role(owner))
        return succeed(request)

    subscriber.answer = answer
    stack = sandbox.deploy(CUSTOMER, TEMPLATE, {"More": "yes"})
    assert stack.outputs == {"Kind": "Create", "Name": "made-by-the-test"}
    updated = sandbox.update(CUSTOMER, TEMPLATE, {"More": "yes", "Word": "two"})
    assert updated.stack_id == stack.stack_id
    assert updated.outputs["Kind"] == "Update"
    sandbox.delete_stack(CUSTOMER)
    assert kinds(subscriber) == [
        "Create Hook",
        "Create Second",
        "Update Hook",
        "Delete Second",
        "Delete Hook",
    ]
    assert role_there == [True] * 5
    assert not has_role(owner)
    create, _, update, _, delete = subscriber.requests
    properties = {"ServiceToken": TOPIC, "Word": "one", "Number": "5", "Flag": "true"}
    assert create["ResourceProperties"] == properties
    assert "PhysicalResourceId" not in create
    assert update["OldResourceProperties"] == properties
    assert update["ResourceProperties"] == {**properties, "Word": "two"}
    assert delete["PhysicalResourceId"] == "made-by-the-test"
    assert len({each["RequestId"] for each in subscriber.requests}) == 5


def test_a_message_is_as_sns_sends_it(
    sandbox: Sandbox, owner: Caller, subscriber: Subscriber
) -> None:
    """Every member that the signature covers, version 2, and the certificate at its address."""
    del owner
    sandbox.deploy(CUSTOMER, TEMPLATE)
    sandbox.delete_stack(CUSTOMER)
    confirmation, message, _ = subscriber.messages
    assert confirmation["Type"] == "SubscriptionConfirmation"
    assert message["Subject"] == "AWS CloudFormation custom resource request"
    assert message["SignatureVersion"] == "2"
    url = httpx.URL(message["SigningCertURL"])
    assert url.host == "sns.us-east-1.amazonaws.com"
    found = httpx.get(sandbox.url + url.path, headers={"Host": url.host}, trust_env=False)
    assert found.text.count("BEGIN CERTIFICATE") == 1
    assert "BEGIN CERTIFICATE" in sandbox.trust_anchors()
    elsewhere = sandbox.url + "/SimpleNotificationService-0.pem"
    assert httpx.get(elsewhere, headers={"Host": url.host}, trust_env=False).status_code == 404


def test_a_creation_that_fails_is_taken_back(
    sandbox: Sandbox, owner: Caller, subscriber: Subscriber
) -> None:
    """Deleted under the name that the failing answer gave, before its role goes."""
    subscriber.answer = lambda request: (
        fail(request) if request["RequestType"] == "Create" else succeed(request)
    )
    with pytest.raises(SandboxError, match=r"rolled back: .*The test says so\."):
        sandbox.deploy(CUSTOMER, TEMPLATE)
    assert kinds(subscriber) == ["Create Hook", "Delete Hook"]
    assert subscriber.requests[1]["PhysicalResourceId"] == "made-by-the-test"
    assert not has_role(owner)


def test_an_update_that_fails_is_taken_back(
    sandbox: Sandbox, owner: Caller, subscriber: Subscriber
) -> None:
    """The stack is as it was, its custom resource told so, and can be deleted."""
    del owner
    sandbox.deploy(CUSTOMER, TEMPLATE)

    def answer(request: Request) -> Answer:
        wanted = request["ResourceProperties"]["Word"]
        return fail(request) if wanted == "two" else succeed(request)

    subscriber.answer = answer
    with pytest.raises(SandboxError, match="rolled back"):
        sandbox.update(CUSTOMER, TEMPLATE, {"Word": "two", "More": "yes"})
    words = [each["ResourceProperties"]["Word"] for each in subscriber.requests]
    assert words == ["one", "two", "one"]
    subscriber.answer = succeed
    sandbox.delete_stack(CUSTOMER)


def test_an_update_that_takes_a_resource_away(
    sandbox: Sandbox, owner: Caller, subscriber: Subscriber
) -> None:
    """What the new template lacks is deleted at the end."""
    del owner
    sandbox.deploy(CUSTOMER, TEMPLATE, {"More": "yes"})
    sandbox.update(CUSTOMER, TEMPLATE, {"More": "no"})
    assert kinds(subscriber)[-1] == "Delete Second"
    sandbox.delete_stack(CUSTOMER)
    assert kinds(subscriber)[-1] == "Delete Hook"


def test_another_name_on_update_is_a_replacement(
    sandbox: Sandbox, owner: Caller, subscriber: Subscriber
) -> None:
    """The old one is deleted under its old name."""
    del owner
    sandbox.deploy(CUSTOMER, TEMPLATE)
    subscriber.answer = lambda request: {
        **succeed(request),
        "PhysicalResourceId": {"Update": "another"}.get(
            request["RequestType"], request["PhysicalResourceId"]
        ),
    }
    sandbox.update(CUSTOMER, TEMPLATE, {"Word": "two"})
    assert kinds(subscriber)[-1] == "Delete Hook"
    assert subscriber.requests[-1]["PhysicalResourceId"] == "made-by-the-test"
    sandbox.delete_stack(CUSTOMER)
    assert subscriber.requests[-1]["PhysicalResourceId"] == "another"


def test_a_deletion_that_fails_leaves_the_stack(
    sandbox: Sandbox, owner: Caller, subscriber: Subscriber
) -> None:
    """And it can be tried again."""
    sandbox.deploy(CUSTOMER, TEMPLATE)
    subscriber.answer = fail
    with pytest.raises(SandboxError, match="was not deleted"):
        sandbox.delete_stack(CUSTOMER)
    assert has_role(owner)
    subscriber.answer = succeed
    sandbox.delete_stack(CUSTOMER)
    assert not has_role(owner)


@pytest.mark.parametrize(
    ("spoilt", "why"),
    [
        ({"Status": "FINE"}, "Invalid Status"),
        ({"Status": "FAILED"}, "Invalid Status or no Reason"),
        ({"PhysicalResourceId": ""}, "Invalid PhysicalResourceId"),
        ({"PhysicalResourceId": "x" * 1025}, "Invalid PhysicalResourceId"),
        ({"RequestId": "another"}, "Invalid RequestId"),
        ({"StackId": "another"}, "Invalid StackId"),
        ({"LogicalResourceId": "another"}, "Invalid LogicalResourceId"),
        ({"Data": "text"}, "Invalid Data"),
        ({"Data": {"Long": "x" * 4096}}, "too long"),
    ],
)
def test_an_answer_that_cloudformation_does_not_understand(
    spoilt: Mapping[str, Any], why: str, sandbox: Sandbox, owner: Caller, subscriber: Subscriber
) -> None:
    """It counts as a failure, and the stack is rolled back."""
    subscriber.answer = lambda request: (
        {**succeed(request), **spoilt} if request["RequestType"] == "Create" else _deleted(request)
    )
    with pytest.raises(SandboxError, match=why):
        sandbox.deploy(CUSTOMER, TEMPLATE)
    assert not has_role(owner)


def _deleted(request: Request) -> Answer:
    return {"Status": "SUCCESS", "PhysicalResourceId": request["PhysicalResourceId"]}


def test_the_address_is_secret_and_takes_one_answer(
    sandbox: Sandbox, owner: Caller, subscriber: Subscriber
) -> None:
    """Without its signature, with another type, or by another method: refused like by S3."""
    del owner
    statuses: dict[str, int] = {}

    def answer(request: Request) -> Answer | None:
        url = httpx.URL(request["ResponseURL"])
        body = json.dumps(succeed(request))
        target = url.raw_path.decode()
        for name, method, path, headers in (
            ("without signature", "PUT", target.partition("?")[0], {}),
            ("another signature", "PUT", target[:-1] + "g", {}),
            ("a type", "PUT", target, {"Content-Type": "application/json"}),
            ("a reading", "GET", target, {}),
        ):
            statuses[name] = httpx.request(
                method,
                sandbox.url + path,
                content=body,
                headers={"Host": url.host, **headers},
                trust_env=False,
            ).status_code
        return succeed(request)

    subscriber.answer = answer
    sandbox.deploy(CUSTOMER, TEMPLATE)
    assert set(statuses.values()) == {403}
    assert subscriber.put(subscriber.requests[0], fail(subscriber.requests[0])) == 200
    assert subscriber.answer(subscriber.requests[0])["Status"] == "SUCCESS"
    subscriber.answer = succeed
    sandbox.delete_stack(CUSTOMER)


def test_answers_that_s3_refuses(sandbox: Sandbox, owner: Caller, subscriber: Subscriber) -> None:
    """As often as a test asks for."""
    del owner
    statuses: list[int] = []

    def answer(request: Request) -> None:
        statuses.extend(subscriber.put(request, succeed(request)) for _ in range(3))

    subscriber.answer = answer
    sandbox.refuse_answers(2)
    sandbox.deploy(CUSTOMER, TEMPLATE)
    assert statuses == [503, 503, 200]
    sandbox.delete_stack(CUSTOMER)


def test_a_topic_that_nobody_has(sandbox: Sandbox, owner: Caller) -> None:
    """The creation fails, and nobody is asked to take it back."""
    with pytest.raises(SandboxError, match="does not exist"):
        sandbox.deploy(CUSTOMER, TEMPLATE.replace(TOPIC, f"{TOPIC}-2"))
    assert not has_role(owner)


def test_a_subscriber_that_does_not_confirm(sandbox: Sandbox) -> None:
    """No topic without one."""
    with pytest.raises(SandboxError, match="took no message"):
        sandbox.subscribe(f"{TOPIC}-3", "http://127.0.0.1:1/")
    with pytest.raises(SandboxError, match="is not the ARN of a topic"):
        sandbox.subscribe("topic", "http://127.0.0.1:1/")


def test_a_wrong_token_confirms_nothing(
    sandbox: Sandbox, vendor: Caller, subscriber: Subscriber
) -> None:
    """Only who was sent it can know it."""
    del sandbox, subscriber
    with pytest.raises(ClientError, match="Invalid token"):
        vendor.client("sns").confirm_subscription(TopicArn=TOPIC, Token="0" * 128)


def test_confirming_needs_a_permission_on_the_topic(sandbox: Sandbox) -> None:
    """A policy that names another topic is not enough."""
    statement = {
        "Effect": "Allow",
        "Action": "sns:ConfirmSubscription",
        "Resource": f"{TOPIC}-other",
    }
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    keys = sandbox.create_account("300000000023", policy)
    with pytest.raises(ClientError, match="not authorized"):
        Caller.owner(sandbox, keys).client("sns").confirm_subscription(TopicArn=TOPIC, Token="0")


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "topics", {"arn": TOPIC}),
        ("POST", "topics", {"arn": TOPIC, "endpoint": "x", "deliveries": "2"}),
        ("PUT", "stack-answers", {"refuse": -1}),
        ("PUT", "stacks/300000000022/x", {"parameter": {}}),
    ],
)
def test_bad_requests_to_the_controls(
    method: str, path: str, body: Mapping[str, Any], sandbox: Sandbox
) -> None:
    """A sentence, and no crash."""
    reply = httpx.request(method, f"{sandbox.url}/_sandbox/{path}", json=body, trust_env=False)
    assert reply.status_code == 400
    assert reply.json()["error"]
