"""CloudFormation played by the sandbox: real roles, functions resolved, nothing unknown passed."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from broker.sandbox.process import Sandbox, SandboxError
from tests.integration.sandbox.caller import Caller
from tests.integration.sandbox.subscriber import Subscriber

VENDOR, CUSTOMER = "300000000007", "300000000008"
TOPIC = f"arn:aws:sns:us-east-1:{VENDOR}:hook"

TEMPLATE = """
AWSTemplateFormatVersion: 2010-09-09
Parameters:
  Vendor: {Type: String, AllowedPattern: "[0-9]{12}"}
  ExternalId: {Type: String, MinLength: 2}
  Payer: {Type: String, Default: "false", AllowedValues: ["true", "false"]}
Conditions:
  IsPayer: !Equals [!Ref Payer, "true"]
Resources:
  Hook:
    Type: Custom::SupportAccess
    DependsOn: ManagementPolicy
    Properties:
      ServiceToken: arn:aws:sns:us-east-1:300000000007:hook
      RoleArn: !GetAtt Management.Arn
      Payer: !If [IsPayer, "yes", "no"]
      Nothing: !If [IsPayer, "x", !Ref AWS::NoValue]
  ManagementPolicy:
    Type: AWS::IAM::Policy
    Properties:
      PolicyName: !Sub "${AWS::StackName}-limit"
      Roles: [!Ref Management]
      PolicyDocument:
        Version: 2012-10-17
        Statement:
          - Effect: Allow
            Action: iam:GetRole
            Resource: !Sub "arn:${AWS::Partition}:iam::${AWS::AccountId}:role/Acme*"
  Management:
    Type: AWS::IAM::Role
    Properties:
      RoleName: Acme-Management
      MaxSessionDuration: 3600
      AssumeRolePolicyDocument:
        Version: 2012-10-17
        Statement:
          - Effect: Allow
            Principal: {AWS: !Sub "arn:${AWS::Partition}:iam::${Vendor}:root"}
            Action: sts:AssumeRole
            Condition: {StringEquals: {"sts:ExternalId": !Ref ExternalId}}
  Billing:
    Type: AWS::IAM::Role
    Condition: IsPayer
    Properties:
      ManagedPolicyArns: ["arn:aws:iam::aws:policy/AWSBillingReadOnlyAccess"]
      AssumeRolePolicyDocument:
        Statement: {Effect: Allow, Principal: {AWS: !Ref Vendor}, Action: "sts:AssumeRole"}
Outputs:
  RoleArn: {Value: !GetAtt Management.Arn}
  BillingRole: {Condition: IsPayer, Value: !Ref Billing}
"""
GIVEN = {"Vendor": VENDOR, "ExternalId": "external-1"}


@pytest.fixture(scope="module")
def owner(sandbox: Sandbox) -> Caller:
    return Caller.owner(sandbox, sandbox.create_account(CUSTOMER))


@pytest.fixture(scope="module")
def vendor(sandbox: Sandbox) -> Caller:
    return Caller.owner(sandbox, sandbox.create_account(VENDOR))


@pytest.fixture(scope="module", autouse=True)
def subscriber(sandbox: Sandbox, vendor: Caller) -> Iterator[Subscriber]:
    """Answers every request that the stacks publish."""
    with Subscriber(sandbox.url, vendor.client("sns")) as running:
        sandbox.subscribe(TOPIC, running.url)
        yield running


def role_names(owner: Caller) -> set[str]:
    return {role["RoleName"] for role in owner.client("iam").list_roles()["Roles"]}


def test_stack_comes_and_goes(sandbox: Sandbox, owner: Caller, vendor: Caller) -> None:
    """Its role works for the vendor with the external id, and is gone with the stack."""
    stack = sandbox.deploy(CUSTOMER, TEMPLATE, GIVEN)
    arn = f"arn:aws:iam::{CUSTOMER}:role/Acme-Management"
    assert stack.outputs == {"RoleArn": arn}
    assert stack.stack_id.startswith(
        f"arn:aws:cloudformation:us-east-1:{CUSTOMER}:stack/support-access/"
    )
    iam = vendor.assume(arn, ExternalId="external-1").client("iam")
    assert iam.get_role(RoleName="Acme-Management")["Role"]["Arn"] == arn
    [hook] = stack.custom_resources
    assert hook["service_token"] == TOPIC
    assert hook["properties"] == {"ServiceToken": TOPIC, "RoleArn": arn, "Payer": "no"}
    sandbox.delete_stack(CUSTOMER)
    assert role_names(owner) == set()


def test_condition_that_holds(sandbox: Sandbox, owner: Caller) -> None:
    """With the condition, its resources and outputs are there, under a name made up for them."""
    stack = sandbox.deploy(CUSTOMER, TEMPLATE, {**GIVEN, "Payer": "true"}, stack_name="payer")
    name = stack.outputs["BillingRole"]
    assert name.startswith("payer-Billing-")
    assert role_names(owner) == {"Acme-Management", name}
    assert stack.custom_resources[0]["properties"]["Nothing"] == "x"
    sandbox.delete_stack(CUSTOMER, "payer")


def test_json_template(sandbox: Sandbox) -> None:
    """JSON with the long forms is the same language."""
    trust = {
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"AWS": {"Fn::Join": [":", ["arn:aws:iam:", {"Ref": "V"}, "root"]]}},
                "Action": "sts:AssumeRole",
            }
        ]
    }
    template = {
        "Parameters": {"V": {"Type": "String"}},
        "Resources": {
            "R": {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": trust}}
        },
        "Outputs": {"Id": {"Value": {"Fn::GetAtt": ["R", "RoleId"]}}},
    }
    stack = sandbox.deploy(CUSTOMER, json.dumps(template), {"V": VENDOR}, stack_name="json")
    assert stack.outputs["Id"].startswith("AROA")
    sandbox.delete_stack(CUSTOMER, "json")


def replaced(old: str, new: str) -> str:
    assert old in TEMPLATE
    return TEMPLATE.replace(old, new)


@pytest.mark.parametrize(
    ("template", "given", "message"),
    [
        (TEMPLATE, {"Vendor": VENDOR}, "ExternalId must have a value"),
        (TEMPLATE, {**GIVEN, "Vendor": "12"}, "Vendor does not satisfy"),
        (TEMPLATE, {**GIVEN, "ExternalId": "x"}, "ExternalId does not satisfy"),
        (TEMPLATE, {**GIVEN, "Payer": "yes"}, "Payer does not satisfy"),
        (TEMPLATE, {**GIVEN, "Other": "x"}, "no parameter Other"),
        (replaced("AWS::IAM::Policy", "AWS::IAM::Group"), GIVEN, "AWS::IAM::Group"),
        (replaced("RoleName:", "RolName:"), GIVEN, "RolName"),
        (replaced("Outputs:", "Mappings:"), GIVEN, "Mappings"),
        (replaced("!GetAtt Management.Arn", "!GetAtt Management.Nothing"), GIVEN, "GetAtt"),
        (replaced("!Ref ExternalId", "!Ref Missing"), GIVEN, "Missing"),
        (replaced("!Equals", "!Matches"), {**GIVEN}, "Fn::Matches"),
        (replaced("DependsOn: ManagementPolicy", "DependsOn: Nobody"), GIVEN, "Nobody"),
        (replaced("sts:AssumeRole\n", "s3:GetObject\n"), GIVEN, "STS AssumeRole actions"),
        (replaced("MaxSessionDuration: 3600", "MaxSessionDuration: 1"), GIVEN, "rolled back"),
        (replaced(TOPIC, "arn:aws:lambda:x"), GIVEN, "SNS topic"),
        ("Resources: {}", {}, "at least one resource"),
        ("a: [", {}, "neither YAML nor JSON"),
        ("[]", {}, "must be an object"),
    ],
)
def test_template_that_does_not_pass(
    template: str, given: dict[str, str], message: str, sandbox: Sandbox, owner: Caller
) -> None:
    """It is refused with the reason, and nothing of it stays."""
    with pytest.raises(SandboxError, match=message):
        sandbox.deploy(CUSTOMER, template, given, stack_name="broken")
    assert role_names(owner) == set()


def test_stack_name_is_taken(sandbox: Sandbox) -> None:
    """A name is one stack's until that is deleted."""
    sandbox.deploy(CUSTOMER, TEMPLATE, GIVEN, stack_name="taken")
    with pytest.raises(SandboxError, match="exists already"):
        sandbox.deploy(CUSTOMER, TEMPLATE, GIVEN, stack_name="taken")
    sandbox.delete_stack(CUSTOMER, "taken")
    with pytest.raises(SandboxError, match="no stack"):
        sandbox.delete_stack(CUSTOMER, "taken")


def test_stack_is_deleted_after_a_hand_was_in_it(sandbox: Sandbox, owner: Caller) -> None:
    """What is gone already, or was added to a role, does not stop the deletion."""
    sandbox.deploy(CUSTOMER, TEMPLATE, GIVEN, stack_name="touched")
    iam: Any = owner.client("iam")
    iam.delete_role_policy(RoleName="Acme-Management", PolicyName="touched-limit")
    arn = "arn:aws:iam::aws:policy/ReadOnlyAccess"
    iam.attach_role_policy(RoleName="Acme-Management", PolicyArn=arn)
    sandbox.delete_stack(CUSTOMER, "touched")
    assert role_names(owner) == set()


def test_account_gives_the_same_keys_again(sandbox: Sandbox) -> None:
    """Asking again is safe, and a second policy replaces the first."""
    first = sandbox.create_account("300000000009")
    assert sandbox.create_account("300000000009") == first
    policy = {"Version": "2012-10-17", "Statement": []}
    with pytest.raises(SandboxError, match="malformed"):
        sandbox.create_account("300000000009", policy)
    for action, allowed in (("kms:ListKeys", True), ("kms:Sign", False)):
        statement = {"Effect": "Allow", "Action": action, "Resource": "*"}
        limit = {"Version": "2012-10-17", "Statement": [statement]}
        keys = sandbox.create_account("300000000009", limit)
        assert keys.user_arn == "arn:aws:iam::300000000009:user/broker"
        done = Caller.owner(sandbox, keys).aws("kms", "list-keys")
        assert (done.returncode == 0) is allowed


@pytest.mark.parametrize("account_id", ["", "12", "1234567890123", "12345678901a", "١٢٣٤٥٦٧٨٩٠١٢"])
def test_bad_account_id(account_id: str, sandbox: Sandbox) -> None:
    """Twelve ASCII digits."""
    with pytest.raises(SandboxError, match="twelve digits"):
        sandbox.create_account(account_id)
