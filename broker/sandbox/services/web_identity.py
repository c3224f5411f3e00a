"""The wire side of AssumeRoleWithWebIdentity: moto's parameters in, STS's XML out."""

from typing import Any
from xml.sax.saxutils import escape

from moto.core.responses import ActionResult
from moto.sts.responses import TokenResponse

from broker.sandbox.trail.witness import Witness
from broker.sandbox.web_identity.exchange import (
    DEFAULT_DURATION,
    WebIdentityRequest,
    WebIdentityService,
)
from broker.sandbox.web_identity.refusals import StsRefusal, invalid_parameter

Answer = ActionResult | tuple[str, dict[str, str]]


def install(service: WebIdentityService, witness: Witness) -> None:
    """Let moto's STS answer AssumeRoleWithWebIdentity through `service`, in this process.

    `witness` tells the trail of what CloudTrail would record.
    """

    def assume_role_with_web_identity(self: TokenResponse) -> Answer:
        try:
            return ActionResult(_assumed(_request(self), service, witness))
        except StsRefusal as refusal:
            return error_answer(refusal)

    TokenResponse.assume_role_with_web_identity = assume_role_with_web_identity  # type: ignore[method-assign,assignment]


def _assumed(
    request: WebIdentityRequest, service: WebIdentityService, witness: Witness
) -> dict[str, Any]:
    try:
        answer = service.assume(request)
    except StsRefusal as refusal:
        witness.saw_refused_exchange(request, refusal)
        raise
    witness.saw_exchange(request, answer)
    return answer


def _request(call: TokenResponse) -> WebIdentityRequest:
    return WebIdentityRequest(
        role_arn=_required(call, "RoleArn"),
        session_name=_required(call, "RoleSessionName"),
        token=_required(call, "WebIdentityToken"),
        duration=_parameter(call, "DurationSeconds", DEFAULT_DURATION),
        provider_id=_parameter(call, "ProviderId"),
        policy=_parameter(call, "Policy"),
        policy_arns=tuple(each["arn"] for each in _parameter(call, "PolicyArns", [])),
    )


def _parameter(call: TokenResponse, name: str, default: Any = None) -> Any:
    return call._get_param(name, default)  # noqa: SLF001  (moto offers no public reader)


def _required(call: TokenResponse, name: str) -> str:
    value = _parameter(call, name)
    if value is None:
        member = name[0].lower() + name[1:]
        raise invalid_parameter(
            f"1 validation error detected: Value at '{member}' failed to satisfy constraint: "
            "Member must not be null"
        )
    return str(value)


def error_answer(refusal: StsRefusal) -> tuple[str, dict[str, str]]:
    """The query protocol's error: moto's own would answer 400 for codes outside the API model."""
    fault = "Sender" if refusal.status < 500 else "Receiver"
    body = (
        '<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error>'
        f"<Type>{fault}</Type><Code>{refusal.code}</Code>"
        f"<Message>{escape(refusal.text)}</Message></Error>"
        "<RequestId>moto writes it</RequestId></ErrorResponse>"
    )
    return body, {"status": str(refusal.status), "Content-Type": "text/xml"}
