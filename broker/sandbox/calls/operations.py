"""Which operation of which service a request is, told from the request alone."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from botocore.exceptions import UnknownServiceError
from moto.core.request import Request
from moto.core.routing import get_service_router
from moto.utilities.utils import get_partition
from werkzeug.exceptions import NotFound

from broker.sandbox.calls.answers import Protocol
from broker.sandbox.calls.received import Environ, ReceivedRequest

_REST_XML = ("s3", "cloudfront", "route53")


@dataclass(frozen=True)
class Operation:
    """One call of the AWS API.

    service: the signing name. name: None if the sandbox cannot tell. parameters: what the
    caller sent, flat, with AWS's own names (`Tags.member.1.Key` in a form).
    """

    service: str
    name: str | None
    protocol: Protocol
    region: str
    account_id: str
    method: str
    parameters: Mapping[str, Any] = field(repr=False)

    @property
    def partition(self) -> str:
        return str(get_partition(self.region))

    def text(self, name: str) -> str | None:
        """A parameter, if it was sent and is a string."""
        value = self.parameters.get(name)
        return value if isinstance(value, str) else None

    def tags(self) -> dict[str, str]:
        """The tags in the request, in whichever of the forms IAM, STS and KMS use."""
        listed = self.parameters.get("Tags")
        if isinstance(listed, list):  # KMS: a list of TagKey and TagValue
            return {tag["TagKey"]: tag["TagValue"] for tag in listed if _is_tag(tag)}
        numbers = [found[1] for name in self.parameters if (found := _TAG_KEY.fullmatch(name))]
        member = "Tags.member.{}.{}".format
        return {
            self.parameters[member(number, "Key")]: self.parameters.get(member(number, "Value"), "")
            for number in numbers
        }

    def texts(self, name: str) -> list[str]:
        """A list of strings, in the form of IAM (`Name.member.1`) or of KMS (a JSON list)."""
        listed = self.parameters.get(name)
        if isinstance(listed, list):
            return [each for each in listed if isinstance(each, str)]
        member = re.compile(rf"{re.escape(name)}\.member\.\d+")
        return [value for key, value in self.parameters.items() if member.fullmatch(key)]


_TAG_KEY = re.compile(r"Tags\.member\.(\d+)\.Key")


def _is_tag(tag: Any) -> bool:
    return (
        isinstance(tag, dict)
        and isinstance(tag.get("TagKey"), str)
        and isinstance(tag.get("TagValue"), str)
    )


def protocol_of(request: ReceivedRequest, service: str | None) -> Protocol:
    """The protocol in which the sender expects an answer."""
    if "x-amz-target" in request.headers:
        return Protocol.JSON
    if service == "ec2":
        return Protocol.EC2
    if service in _REST_XML:
        return Protocol.S3
    if request.is_form or service in ("iam", "sts"):
        return Protocol.QUERY
    return Protocol.REST_JSON


def identify(
    request: ReceivedRequest, environ: Environ, *, service: str, region: str, account_id: str
) -> Operation:
    """The operation; its name is None where nothing in the request settles it."""
    protocol = protocol_of(request, service)
    if protocol is Protocol.JSON:
        name, parameters = _from_target(request)
    elif protocol in (Protocol.QUERY, Protocol.EC2):
        name, parameters = _from_form(request)
    else:
        name, parameters = _from_route(environ, service)
    return Operation(
        service=service,
        name=name,
        protocol=protocol,
        region=region,
        account_id=account_id,
        method=request.method,
        parameters=parameters,
    )


def _from_target(request: ReceivedRequest) -> tuple[str | None, Mapping[str, Any]]:
    found = re.fullmatch(r"[\w.]+\.(\w+)", request.headers["x-amz-target"])
    try:
        parameters = json.loads(request.body or b"{}")
    except ValueError:
        return None, {}
    if found is None or request.query or not isinstance(parameters, dict):
        return None, {}
    return found[1], parameters


def _from_form(request: ReceivedRequest) -> tuple[str | None, Mapping[str, Any]]:
    """A form in the body or in the query, not both; no parameter may be given twice."""
    if request.body and (request.query or not request.is_form):
        return None, {}
    try:
        text = request.body.decode() or request.query
    except UnicodeDecodeError:
        return None, {}
    pairs = parse_qsl(text, keep_blank_values=True)
    parameters = dict(pairs)
    if len(parameters) != len(pairs):
        return None, {}
    return parameters.get("Action"), parameters


def _from_route(environ: Environ, service: str) -> tuple[str | None, Mapping[str, Any]]:
    """REST services: by method, path, query and headers, from AWS's own service model.

    Labels of the path keep their names (`Bucket`, `Key`); query and headers are in lower case,
    so none of them can pass for a label.
    """
    if service == "s3" and str(environ["RAW_URI"]).startswith("/v20180820/"):
        return None, {}  # S3 Control, which signs as S3 but is another service
    received = Request(dict(environ))
    try:
        operation, labels = get_service_router(service).match(received)
    except (NotFound, UnknownServiceError):
        return None, {}
    sent = [*received.headers.items(), *received.args.items()]
    return operation.name, {**{name.lower(): value for name, value in sent}, **labels}
