"""Events as LookupEvents gives them, in the form that AWS documents, each easy to spoil.

The records follow the examples of the IAM user guide, Logging IAM and AWS STS API calls.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

AT = datetime(2026, 11, 24, 12, 0, 5, tzinfo=UTC)
ROLE = "arn:aws:iam::111122223333:role/Acme-Support-ReadOnly"
PROVIDER = "arn:aws:iam::111122223333:oidc-provider/broker.example.com/oidc/" + "a" * 32
SESSION_ID = "s-" + "5e" * 10
SESSION_NAME = "jane@vendor.example@T-1042-5e5e5e5e"
KEY = "ASIACQRSTUVWRAOEXAMPLE"
SECRET = "IQoJb3JpZ2luX2VjEXAMPLE"


def exchange_record(**changes: Any) -> dict[str, Any]:
    """The record of an AssumeRoleWithWebIdentity that gave credentials."""
    return {
        "eventVersion": "1.11",
        "userIdentity": {
            "type": "WebIdentityUser",
            "principalId": f"{PROVIDER}:sts.amazonaws.com:support:111122223333",
            "userName": "support:111122223333",
            "identityProvider": PROVIDER,
        },
        "eventTime": "2026-11-24T12:00:05Z",
        "eventSource": "sts.amazonaws.com",
        "eventName": "AssumeRoleWithWebIdentity",
        "awsRegion": "us-east-1",
        "sourceIPAddress": "192.0.2.101",
        "userAgent": "Boto3/1.44",
        "requestParameters": {
            "sourceIdentity": "jane@vendor.example",
            "durationSeconds": 3600,
            "roleArn": ROLE,
            "roleSessionName": SESSION_NAME,
            "principalTags": {
                "Ticket": "T-1042",
                "Session": SESSION_ID,
                "Engineer": "jane@vendor.example",
            },
            "transitiveTagKeys": ["Ticket", "Session", "Engineer"],
        },
        "responseElements": {
            "provider": PROVIDER,
            "subjectFromWebIdentityToken": "support:111122223333",
            "sourceIdentity": "jane@vendor.example",
            "audience": "sts.amazonaws.com",
            "credentials": {
                "accessKeyId": KEY,
                "expiration": "Nov 24, 2026, 1:00:05 PM",
                "sessionToken": SECRET,
            },
            "assumedRoleUser": {
                "assumedRoleId": f"AROACQRSTUVWRAOEXAMPLE:{SESSION_NAME}",
                "arn": f"arn:aws:sts::111122223333:assumed-role/x/{SESSION_NAME}",
            },
        },
        "resources": [{"ARN": ROLE, "accountId": "111122223333", "type": "AWS::IAM::Role"}],
        "requestID": "6EXAMPLE-e595-11e5-b2c7-c974fEXAMPLE",
        "eventID": "bEXAMPLE-0b30-4246-b28c-e3da3EXAMPLE",
        "readOnly": True,
        "eventType": "AwsApiCall",
        "managementEvent": True,
        "recipientAccountId": "111122223333",
        "eventCategory": "Management",
        **changes,
    }


def call_record(**changes: Any) -> dict[str, Any]:
    """The record of a call that a session made and was refused."""
    return {
        "eventVersion": "1.11",
        "userIdentity": {
            "type": "AssumedRole",
            "principalId": f"AROACQRSTUVWRAOEXAMPLE:{SESSION_NAME}",
            "arn": f"arn:aws:sts::111122223333:assumed-role/x/{SESSION_NAME}",
            "accountId": "111122223333",
            "accessKeyId": KEY,
            "sessionContext": {
                "sessionIssuer": {
                    "type": "Role",
                    "principalId": "AROACQRSTUVWRAOEXAMPLE",
                    "arn": ROLE,
                    "accountId": "111122223333",
                    "userName": "Acme-Support-ReadOnly",
                },
                "attributes": {
                    "creationDate": "2026-11-24T12:00:05Z",
                    "mfaAuthenticated": "false",
                },
                "sourceIdentity": "jane@vendor.example",
            },
        },
        "eventTime": "2026-11-24T12:03:00Z",
        "eventSource": "ec2.amazonaws.com",
        "eventName": "TerminateInstances",
        "awsRegion": "us-east-1",
        "sourceIPAddress": "192.0.2.101",
        "userAgent": "aws-cli/2",
        "errorCode": "Client.UnauthorizedOperation",
        "errorMessage": "You are not authorized to perform this operation.",
        "requestParameters": {"instancesSet": {"items": [{"instanceId": "i-0123456789"}]}},
        "responseElements": None,
        "requestID": "aEXAMPLE",
        "eventID": "cEXAMPLE-0b30-4246-b28c-e3da3EXAMPLE",
        "readOnly": False,
        "eventType": "AwsApiCall",
        "managementEvent": True,
        "recipientAccountId": "111122223333",
        "eventCategory": "Management",
        **changes,
    }


def found(record: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """An element of `Events`, as boto3 gives it for this record."""
    identity = record["userIdentity"]
    name = identity.get("userName") or identity["principalId"].partition(":")[2]
    return {
        "EventId": record["eventID"],
        "EventName": record["eventName"],
        "ReadOnly": str(record["readOnly"]).lower(),
        "AccessKeyId": identity.get("accessKeyId", ""),
        "EventTime": datetime.fromisoformat(record["eventTime"]),
        "EventSource": record["eventSource"],
        "Username": name,
        "Resources": [
            {"ResourceType": each["type"], "ResourceName": each["ARN"]}
            for each in record.get("resources", [])
        ],
        "CloudTrailEvent": json.dumps(record),
        **changes,
    }
