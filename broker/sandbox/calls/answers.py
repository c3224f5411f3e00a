"""Refusals in the form that each AWS protocol gives them, so that real clients show them."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from xml.sax.saxutils import escape


class Protocol(Enum):
    """How a service writes its errors."""

    QUERY = "query"  # IAM, STS, SNS
    EC2 = "ec2"
    JSON = "json"  # KMS, Support
    REST_JSON = "rest-json"  # Lambda
    S3 = "s3"


class Failure(Enum):
    """Why the gate refuses a request."""

    MISSING_AUTHENTICATION = "missing authentication"
    MALFORMED_AUTHENTICATION = "malformed authentication"
    UNKNOWN_KEY = "unknown key"
    WRONG_SIGNATURE = "wrong signature"
    WRONG_SESSION_TOKEN = "wrong session token"  # noqa: S105  (the name of a failure)
    EXPIRED = "expired"
    SKEWED = "skewed"
    UNAUTHORIZED = "unauthorized"
    NOT_IMPLEMENTED = "not implemented"
    NOT_SERVED = "not served"
    TOO_LARGE = "too large"


class Refusal(Exception):
    """A request is refused; `text` is what its sender reads."""

    def __init__(self, failure: Failure, text: str) -> None:
        super().__init__(text)
        self.failure = failure
        self.text = text


@dataclass(frozen=True)
class Answer:
    """An HTTP response."""

    status: int
    content_type: str
    body: str
    error_code: str


_CODES: Mapping[Failure, tuple[int, str]] = {
    Failure.MISSING_AUTHENTICATION: (403, "MissingAuthenticationToken"),
    Failure.MALFORMED_AUTHENTICATION: (400, "IncompleteSignature"),
    Failure.UNKNOWN_KEY: (403, "InvalidClientTokenId"),
    Failure.WRONG_SIGNATURE: (403, "SignatureDoesNotMatch"),
    Failure.WRONG_SESSION_TOKEN: (403, "InvalidClientTokenId"),
    Failure.EXPIRED: (403, "ExpiredToken"),
    Failure.SKEWED: (403, "SignatureDoesNotMatch"),
    Failure.UNAUTHORIZED: (403, "AccessDenied"),
    Failure.NOT_IMPLEMENTED: (400, "InvalidAction"),
    Failure.NOT_SERVED: (404, "NotFound"),
    Failure.TOO_LARGE: (413, "RequestEntityTooLarge"),
}

_JSON_CODES: Mapping[Failure, tuple[int, str]] = {
    Failure.MISSING_AUTHENTICATION: (400, "MissingAuthenticationTokenException"),
    Failure.MALFORMED_AUTHENTICATION: (400, "IncompleteSignatureException"),
    Failure.UNKNOWN_KEY: (400, "UnrecognizedClientException"),
    Failure.WRONG_SIGNATURE: (400, "InvalidSignatureException"),
    Failure.WRONG_SESSION_TOKEN: (400, "UnrecognizedClientException"),
    Failure.EXPIRED: (400, "ExpiredTokenException"),
    Failure.SKEWED: (400, "InvalidSignatureException"),
    Failure.UNAUTHORIZED: (400, "AccessDeniedException"),
}

_OWN_CODES: Mapping[Protocol, Mapping[Failure, tuple[int, str]]] = {
    Protocol.QUERY: {},
    Protocol.EC2: {
        Failure.UNKNOWN_KEY: (401, "AuthFailure"),
        Failure.WRONG_SIGNATURE: (401, "AuthFailure"),
        Failure.WRONG_SESSION_TOKEN: (401, "AuthFailure"),
        Failure.EXPIRED: (400, "RequestExpired"),
        Failure.UNAUTHORIZED: (403, "UnauthorizedOperation"),
    },
    Protocol.JSON: _JSON_CODES,
    # REST services answer the same codes, but as 403.
    Protocol.REST_JSON: {failure: (403, code) for failure, (_, code) in _JSON_CODES.items()},
    Protocol.S3: {
        Failure.MISSING_AUTHENTICATION: (403, "AccessDenied"),
        Failure.MALFORMED_AUTHENTICATION: (400, "AuthorizationHeaderMalformed"),
        Failure.UNKNOWN_KEY: (403, "InvalidAccessKeyId"),
        Failure.WRONG_SESSION_TOKEN: (400, "InvalidToken"),
        Failure.EXPIRED: (400, "ExpiredToken"),
        Failure.SKEWED: (403, "RequestTimeTooSkewed"),
    },
}


def render(refusal: Refusal, protocol: Protocol) -> Answer:
    """The refusal as this protocol's clients parse it."""
    status, code = _OWN_CODES[protocol].get(refusal.failure) or _CODES[refusal.failure]
    content_type, form = _FORMS[protocol]
    return Answer(status, content_type, form(code, refusal.text), code)


def _query(code: str, text: str) -> str:
    return (
        f"<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code>"
        f"<Message>{escape(text)}</Message></Error>"
        f"<RequestId>{uuid.uuid4()}</RequestId></ErrorResponse>"
    )


def _ec2(code: str, text: str) -> str:
    return (
        f"<Response><Errors><Error><Code>{code}</Code><Message>{escape(text)}</Message></Error>"
        f"</Errors><RequestID>{uuid.uuid4()}</RequestID></Response>"
    )


def _s3(code: str, text: str) -> str:
    return (
        f"<Error><Code>{code}</Code><Message>{escape(text)}</Message>"
        f"<RequestId>{uuid.uuid4()}</RequestId></Error>"
    )


def _json(code: str, text: str) -> str:
    return json.dumps({"__type": code, "message": text})


_FORMS: Mapping[Protocol, tuple[str, Callable[[str, str], str]]] = {
    Protocol.QUERY: ("text/xml", _query),
    Protocol.EC2: ("text/xml", _ec2),
    Protocol.JSON: ("application/x-amz-json-1.1", _json),
    Protocol.REST_JSON: ("application/json", _json),
    Protocol.S3: ("application/xml", _s3),
}
