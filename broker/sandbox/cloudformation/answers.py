"""Where answers to custom resource requests arrive: CloudFormation's own bucket of a Region.

Source: CloudFormation User Guide, "Custom resource response objects".
"""

from __future__ import annotations

import json
import re
import secrets
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

from broker.sandbox.calls.received import Environ, ReceivedRequest

BUCKET = "cloudformation-custom-resource-response-"
LARGEST = 4096

_HOST = re.compile(BUCKET + r"[a-z0-9]+\.s3(?:[.-][a-z0-9-]+)?\.amazonaws\.(?:com|com\.cn|eu)")


@dataclass
class Awaited:
    """One request whose answer is awaited."""

    url: str = field(repr=False)
    arrived: threading.Event = field(default_factory=threading.Event)
    body: bytes = b""


class StackAnswers:
    """A WSGI application that takes each awaited answer once, at its own secret address."""

    def __init__(self) -> None:
        self._awaited: dict[tuple[str, str], Awaited] = {}
        self._lock = threading.Lock()
        self._to_refuse = 0

    @staticmethod
    def serves(host: str) -> bool:
        """Whether a host is one of the bucket's."""
        return _HOST.fullmatch(host) is not None

    def expect(self, *, stack_id: str, logical_id: str, request_id: str) -> Awaited:
        """A new address for one answer, signed in advance like those of AWS."""
        region = stack_id.split(":")[3]
        host = f"{BUCKET}{region.replace('-', '')}.s3.{region}.amazonaws.com"
        key = quote(f"{stack_id}|{logical_id}|{request_id}", safe="/")
        query = urlencode(
            {
                "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
                "X-Amz-Expires": "7200",
                "X-Amz-SignedHeaders": "host",
                "X-Amz-Signature": secrets.token_hex(32),
            }
        )
        target = f"/{key}?{query}"
        awaited = Awaited(f"https://{host}{target}")
        with self._lock:
            self._awaited[host, target] = awaited
        return awaited

    def refuse(self, times: int) -> None:
        """Answer the next so many with 503, as S3 may."""
        self._to_refuse = times

    def __call__(self, environ: Environ, start_response: Any) -> Iterable[bytes]:
        status = self._take(ReceivedRequest.read(environ))
        start_response(status, [("Content-Length", "0")])
        return [b""]

    def _take(self, request: ReceivedRequest) -> str:
        with self._lock:
            if self._to_refuse:
                self._to_refuse -= 1
                return "503 Slow Down"
            host, target = request.headers.get("host", ""), f"{request.path}?{request.query}"
            awaited = self._awaited.get((host, target))
            if awaited is None or request.method != "PUT":
                return "403 Forbidden"
            # The signature covers the empty type that CloudFormation signed for.
            if request.headers.get("content-type", ""):
                return "403 Forbidden"
            if not awaited.arrived.is_set():
                awaited.body = request.body
                awaited.arrived.set()
            return "200 OK"


@dataclass(frozen=True)
class StackAnswer:
    """An answer that CloudFormation understands."""

    succeeded: bool
    reason: str
    physical_id: str
    data: Mapping[str, str]


class MalformedAnswerError(Exception):
    """CloudFormation would fail the resource for the form of the answer alone."""


def read_answer(body: bytes, *, expected: Mapping[str, str]) -> StackAnswer:
    """The answer in `body`, which must repeat what it answers word for word."""
    if len(body) > LARGEST:
        raise MalformedAnswerError("Response object is too long")
    try:
        answer = json.loads(body)
    except ValueError as error:
        raise MalformedAnswerError("Response is not valid JSON") from error
    if not isinstance(answer, dict):
        raise MalformedAnswerError("Response is not an object")
    for name, value in expected.items():
        if answer.get(name) != value:
            raise MalformedAnswerError(f"Invalid {name}")
    status, reason = answer.get("Status"), answer.get("Reason", "")
    physical_id, data = answer.get("PhysicalResourceId"), answer.get("Data", {})
    if status not in ("SUCCESS", "FAILED") or (status == "FAILED" and not reason):
        raise MalformedAnswerError("Invalid Status or no Reason")
    if not isinstance(physical_id, str) or not 0 < len(physical_id.encode()) <= 1024:
        raise MalformedAnswerError("Invalid PhysicalResourceId")
    if not isinstance(data, dict) or not all(isinstance(each, str) for each in data.values()):
        raise MalformedAnswerError("Invalid Data")
    return StackAnswer(status == "SUCCESS", str(reason), physical_id, data)
