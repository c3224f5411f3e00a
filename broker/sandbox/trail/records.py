"""CloudTrail records, in the form that the user guide documents, and what is none.

Sources: CloudTrail user guide, record contents and userIdentity element; IAM user guide, Logging
IAM and AWS STS API calls. Unconfirmed: the error codes of calls that a service itself refuses
(here its own), and which failed AssumeRoleWithWebIdentity calls are recorded. Requests and answers
are left out, but for those of STS: nobody here reads them.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from broker.sandbox.calls.callers import Caller, RoleCaller
from broker.sandbox.calls.operations import Operation
from broker.sandbox.state.credentials import TemporaryCredentials
from broker.sandbox.web_identity.exchange import WebIdentityRequest

EXCHANGE: Final = "AssumeRoleWithWebIdentity"
EXCHANGE_REGION: Final = "us-east-1"
"""An unsigned call names no Region, so all exchanges stand where STS's global endpoint is."""

_READS = ("BatchGet", "Describe", "Get", "Head", "List", "Lookup", "Search", "Select", "Simulate")

_DATA_EVENTS: Final = {
    "dynamodb": ("Item", "Query", "Scan", "Statement", "Transact"),
    "kinesis": ("Record",),
    "lambda": ("Invoke",),
    "s3": ("Object", "Part", "Multipart"),
    "sns": ("Publish",),
    "sqs": ("Message",),
}
"""What the names of data events have in them; the event history holds management events only."""

_BUCKET_LEVEL = ("GetObjectLockConfiguration", "PutObjectLockConfiguration")


def is_management_event(operation: Operation) -> bool:
    """Whether a call is in the event history."""
    name = operation.name or ""
    marks = _DATA_EVENTS.get(operation.service, ())
    return name in _BUCKET_LEVEL or not any(mark in name for mark in marks)


def of_call(
    caller: Caller, operation: Operation, *, at: datetime, source_ip: str, error_code: str | None
) -> dict[str, Any]:
    """The record of a signed call."""
    name = operation.name or "Unknown"
    record = _record(name, f"{operation.service}.amazonaws.com", operation.region, at=at)
    read_only = name.startswith(_READS) or name.startswith("AssumeRole")
    return {
        **record,
        "userIdentity": _identity(caller),
        "sourceIPAddress": source_ip,
        "readOnly": read_only,
        "recipientAccountId": caller.account_id,
        **({"errorCode": error_code} if error_code else {}),
    }


def user_name(caller: Caller) -> str:
    """What LookupEvents calls Username: of a role session, the name of the session."""
    return caller.session.session_name if isinstance(caller, RoleCaller) else caller.user.name


def _identity(caller: Caller) -> dict[str, Any]:
    identity: dict[str, Any] = {
        "principalId": caller.user_id,
        "arn": caller.arn,
        "accountId": caller.account_id,
    }
    if not isinstance(caller, RoleCaller):
        return {**identity, "type": "IAMUser", "userName": caller.user.name}
    session = caller.session
    source_identity = session.attributes.source_identity
    return {
        **identity,
        "type": "AssumedRole",
        "accessKeyId": session.access_key_id,
        "sessionContext": {
            "sessionIssuer": {
                "type": "Role",
                "principalId": session.role.unique_id,
                "arn": session.role.arn,
                "accountId": session.role.account_id,
                "userName": session.role.name,
            },
            "attributes": {
                "creationDate": _iso(session.issued_at),
                "mfaAuthenticated": "false",
            },
            **({"sourceIdentity": source_identity} if source_identity else {}),
        },
    }


@dataclass(frozen=True, kw_only=True)
class Exchange:
    """One AssumeRoleWithWebIdentity; without credentials it was refused with `error_code`."""

    request: WebIdentityRequest
    subject: str
    provider_arn: str
    audience: str
    credentials: TemporaryCredentials | None = None
    error_code: str | None = None

    @property
    def account_id(self) -> str:
        return self.request.role_arn.split(":")[4]


def of_exchange(exchange: Exchange, *, at: datetime) -> dict[str, Any]:
    """The record of an exchange."""
    role_arn, subject = exchange.request.role_arn, exchange.subject
    return {
        **_record(EXCHANGE, "sts.amazonaws.com", EXCHANGE_REGION, at=at),
        "userIdentity": {
            "type": "WebIdentityUser",
            "principalId": f"{exchange.provider_arn}:{exchange.audience}:{subject}",
            "userName": subject,
            "identityProvider": exchange.provider_arn,
        },
        "sourceIPAddress": "127.0.0.1",
        "readOnly": True,
        "recipientAccountId": exchange.account_id,
        "requestParameters": _asked(exchange.request, exchange.credentials),
        "responseElements": _answered(exchange),
        "resources": [
            {"ARN": role_arn, "accountId": exchange.account_id, "type": "AWS::IAM::Role"}
        ],
        **({"errorCode": exchange.error_code} if exchange.error_code else {}),
    }


def _asked(request: WebIdentityRequest, credentials: TemporaryCredentials | None) -> dict[str, Any]:
    asked: dict[str, Any] = {
        "roleArn": request.role_arn,
        "roleSessionName": request.session_name,
        "durationSeconds": request.duration,
    }
    if credentials is None:
        return asked
    attributes = credentials.attributes
    return {
        **asked,
        "principalTags": dict(attributes.tags),
        "transitiveTagKeys": list(attributes.transitive_tag_keys),
        **({"sourceIdentity": attributes.source_identity} if attributes.source_identity else {}),
    }


def _answered(exchange: Exchange) -> Mapping[str, Any] | None:
    credentials = exchange.credentials
    if credentials is None:
        return None
    role_user = credentials.assumed_role_user_element()
    return {
        "provider": exchange.provider_arn,
        "subjectFromWebIdentityToken": exchange.subject,
        "audience": exchange.audience,
        "credentials": {
            "accessKeyId": credentials.access_key_id,
            "expiration": f"{credentials.expiration:%b %-d, %Y, %-I:%M:%S %p}",
            # AWS records it, and who reads a trail has to leave it there.
            "sessionToken": credentials.session_token,
        },
        "assumedRoleUser": {"assumedRoleId": role_user["AssumedRoleId"], "arn": role_user["Arn"]},
    }


def _record(name: str, source: str, region: str, *, at: datetime) -> dict[str, Any]:
    return {
        "eventVersion": "1.11",
        "eventTime": _iso(at),
        "eventSource": source,
        "eventName": name,
        "awsRegion": region,
        "userAgent": "sandbox",
        "requestParameters": None,
        "responseElements": None,
        "requestID": str(uuid.uuid4()),
        "eventID": str(uuid.uuid4()),
        "eventType": "AwsApiCall",
        "managementEvent": True,
        "eventCategory": "Management",
    }


def _iso(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"
