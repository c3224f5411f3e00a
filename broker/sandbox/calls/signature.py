"""Verification of AWS Signature Version 4.

Written from the IAM User Guide, "Create a signed AWS API request"; headers only: presigned URLs
and Signature Version 4A are not served here.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import quote, unquote

from broker.sandbox.calls.answers import Failure, Refusal
from broker.sandbox.calls.received import ReceivedRequest

_ALGORITHM = "AWS4-HMAC-SHA256"
_AUTHORIZATION = re.compile(
    rf"{_ALGORITHM} Credential=(?P<key>[A-Z0-9]{{16,128}})/(?P<date>\d{{8}})/(?P<region>[a-z0-9-]+)"
    r"/(?P<service>[a-z0-9-]+)/aws4_request, ?SignedHeaders=(?P<headers>[a-z0-9;_.-]+)"
    r", ?Signature=(?P<signature>[0-9a-f]{64})"
)
_TOLERATED_SKEW = timedelta(minutes=15)
_UNSIGNED_PAYLOADS = ("UNSIGNED-PAYLOAD", "STREAMING-UNSIGNED-PAYLOAD-TRAILER")


@dataclass(frozen=True)
class Authorization:
    """What the Authorization header claims; nothing of it is verified yet."""

    access_key_id: str
    date: str
    region: str
    service: str
    signed_headers: tuple[str, ...]
    signature: str

    @classmethod
    def parse(cls, header: str) -> Authorization:
        found = _AUTHORIZATION.fullmatch(header)
        if found is None:
            raise Refusal(
                Failure.MALFORMED_AUTHENTICATION,
                "The Authorization header is not a complete AWS4-HMAC-SHA256 signature.",
            )
        return cls(
            access_key_id=found["key"],
            date=found["date"],
            region=found["region"],
            service=found["service"],
            signed_headers=tuple(found["headers"].split(";")),
            signature=found["signature"],
        )

    @property
    def scope(self) -> str:
        return f"{self.date}/{self.region}/{self.service}/aws4_request"


def verify(
    request: ReceivedRequest, authorization: Authorization, secret: str, *, now: datetime
) -> None:
    """Raises Refusal unless the request was signed with `secret`, within 15 minutes of `now`."""
    timestamp = _check_time(request, authorization, now)
    _check_signed_headers(request, authorization)
    payload_hash = _payload_hash(request, authorization)
    canonical = canonical_request(request, authorization, payload_hash)
    to_sign = "\n".join([_ALGORITHM, timestamp, authorization.scope, _sha256(canonical.encode())])
    key = f"AWS4{secret}".encode()
    for part in authorization.scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    expected = hmac.digest(key, to_sign.encode(), "sha256").hex()
    if not hmac.compare_digest(expected, authorization.signature):
        raise _mismatch()


def canonical_request(
    request: ReceivedRequest, authorization: Authorization, payload_hash: str
) -> str:
    """The text whose hash is signed."""
    names = authorization.signed_headers
    headers = [f"{name}:{' '.join(request.headers[name].split())}\n" for name in names]
    # S3 takes the path as it stands; every other service encodes it once more.
    path = request.path if authorization.service == "s3" else quote(request.path, safe="/~")
    return "\n".join(
        [
            request.method,
            path or "/",
            _canonical_query(request.query),
            "".join(headers),
            ";".join(names),
            payload_hash,
        ]
    )


def _canonical_query(query: str) -> str:
    pairs = []
    for parameter in filter(None, query.split("&")):
        name, _, value = parameter.partition("=")
        pairs.append((_encode(name), _encode(value)))
    return "&".join(f"{name}={value}" for name, value in sorted(pairs))


def _encode(text: str) -> str:
    return quote(unquote(text), safe="-_.~")


def _check_time(request: ReceivedRequest, authorization: Authorization, now: datetime) -> str:
    timestamp = request.headers.get("x-amz-date", "")
    try:
        signed_at = datetime.strptime(timestamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError as error:
        raise Refusal(
            Failure.MALFORMED_AUTHENTICATION, "X-Amz-Date must be in the form 20260131T235959Z."
        ) from error
    if timestamp[:8] != authorization.date:
        raise _mismatch()
    if abs(now - signed_at) > _TOLERATED_SKEW:
        raise Refusal(Failure.SKEWED, f"Signature not current: {timestamp} is not within 15 min.")
    return timestamp


def _check_signed_headers(request: ReceivedRequest, authorization: Authorization) -> None:
    """Host and everything of AWS's own must be signed, or it could be changed on the way."""
    signed = set(authorization.signed_headers)
    present = set(request.headers)
    needed = {name for name in present if name.startswith("x-amz-")} | {"host"}
    if not needed <= signed or not signed <= present:
        raise Refusal(
            Failure.WRONG_SIGNATURE,
            "There were headers present in the request which were not signed, or the reverse.",
        )


def _payload_hash(request: ReceivedRequest, authorization: Authorization) -> str:
    actual = _sha256(request.body)
    stated = request.headers.get("x-amz-content-sha256", actual)
    if stated != actual and not (authorization.service == "s3" and stated in _UNSIGNED_PAYLOADS):
        raise _mismatch()
    return stated


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _mismatch() -> Refusal:
    return Refusal(
        Failure.WRONG_SIGNATURE,
        "The request signature we calculated does not match the signature you provided. "
        "Check your AWS Secret Access Key and signing method. "
        "Consult the service documentation for details.",
    )
