"""Who sees calls and tells the event history of them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from broker.sandbox.calls.answers import Protocol
from broker.sandbox.calls.callers import Caller
from broker.sandbox.calls.operations import Operation
from broker.sandbox.clock import Clock
from broker.sandbox.state.credentials import CredentialRegister
from broker.sandbox.trail import records
from broker.sandbox.trail.history import EventHistory, HistoryEvent
from broker.sandbox.web_identity.exchange import WebIdentityRequest
from broker.sandbox.web_identity.refusals import StsCode, StsRefusal
from broker.sandbox.web_identity.token import parse

_XML_CODE = re.compile(rb"<Code>([^<]{1,100})</Code>")


@dataclass(frozen=True, kw_only=True)
class Witness:
    """Records each call that was let through or denied, and each exchange that AWS would record."""

    history: EventHistory
    register: CredentialRegister
    clock: Clock

    def saw_call(
        self, caller: Caller, operation: Operation, *, source_ip: str, error_code: str | None
    ) -> None:
        """A signed call, with the code of its refusal if it was refused."""
        if not records.is_management_event(operation):
            return
        at = self.clock.now().replace(microsecond=0)
        ec2 = operation.protocol is Protocol.EC2 and error_code is not None
        record = records.of_call(
            caller,
            operation,
            at=at,
            source_ip=source_ip,
            error_code=f"Client.{error_code}" if ec2 else error_code,
        )
        event = HistoryEvent(at=at, user_name=records.user_name(caller), record=record)
        self.history.add((caller.account_id, operation.region), event)

    def saw_exchange(self, request: WebIdentityRequest, answer: Mapping[str, Any]) -> None:
        """An exchange that gave credentials."""
        told = records.Exchange(
            request=request,
            subject=answer["SubjectFromWebIdentityToken"],
            provider_arn=answer["Provider"],
            audience=answer["Audience"],
            credentials=self.register.find(answer["Credentials"]["AccessKeyId"]),
        )
        self._add(told)

    def saw_refused_exchange(self, request: WebIdentityRequest, refusal: StsRefusal) -> None:
        """An exchange that a trust policy refused; of a token that is no good there is no event."""
        if refusal.code is not StsCode.ACCESS_DENIED or request.provider_id is not None:
            return
        claims = parse(request.token).claims
        owner = request.role_arn.split(":role/", 1)[0]
        issuer = str(claims.get("iss", "")).partition("://")[2]
        told = records.Exchange(
            request=request,
            subject=str(claims.get("sub", "")),
            provider_arn=f"{owner}:oidc-provider/{issuer}",
            audience=str(claims.get("aud", "")),
            error_code=refusal.code.value,
        )
        self._add(told)

    def _add(self, exchange: records.Exchange) -> None:
        at = self.clock.now().replace(microsecond=0)
        event = HistoryEvent(
            at=at,
            user_name=exchange.subject,
            record=records.of_exchange(exchange, at=at),
            resources=(("AWS::IAM::Role", exchange.request.role_arn),),
        )
        self.history.add((exchange.account_id, records.EXCHANGE_REGION), event)


def error_code_in(status: str, body: bytes) -> str | None:
    """The code with which a service refused, from its answer; None where it did not refuse."""
    if status[:1] not in "45":
        return None
    found = _XML_CODE.search(body)
    if found is not None:
        return found[1].decode(errors="replace")
    try:
        answer = json.loads(body)
    except ValueError:
        return status[:3]
    told = answer.get("__type") or answer.get("code") if isinstance(answer, dict) else None
    return str(told).rpartition("#")[2] if told else status[:3]
