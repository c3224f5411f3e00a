"""The answer to a custom resource request, as CloudFormation reads it at the ResponseURL.

Source: CloudFormation User Guide, "Custom resource response objects".
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from enum import StrEnum
from typing import Protocol

from broker.domain.accounts import Account
from broker.domain.grants import Access
from broker.domain.hooks.records import Hook, HookAnswer, HookKind, HookStatus
from broker.domain.role_plan import role_arn

LARGEST = 4096
"""Bytes of the largest answer that CloudFormation reads."""

LONGEST_REASON = 1000
SETTLING = timedelta(minutes=1)
"""How long a refusal by AWS is not believed: a new role is unknown to IAM's edges for a while."""


class Delivery(StrEnum):
    """What became of an answer that was sent."""

    ACCEPTED = "accepted"
    FAILED = "failed"
    """Not this time: to be tried again."""


class ResponseUrls(Protocol):
    """The addresses at which CloudFormation waits for answers."""

    def objection(self, url: str, *, region: str) -> str | None:
        """Why nothing is ever sent to `url` for a stack in `region`; None where it may be."""
        ...

    def deliver(self, url: str, *, region: str, body: bytes) -> Delivery:
        """Put `body` there once; an address that may not be sent to counts as failed."""
        ...


def physical_id(hook: Hook, answer: HookAnswer) -> str:
    """The custom resource's id: the one of what was set up, or one that says it never came to be.

    CloudFormation deletes a resource whose creation failed under the id of that answer, or under
    one of its own making where it waited in vain.
    """
    if hook.physical_resource_id is not None:
        return hook.physical_resource_id
    name = _settled_name(hook)
    return name if answer.status is HookStatus.SUCCESS else f"unfinished-{name}"


def takes_back(hook: Hook) -> bool:
    """Whether a Delete only takes back a creation that failed: nobody wants the account removed."""
    return hook.kind is HookKind.DELETE and hook.physical_resource_id != _settled_name(hook)


def _settled_name(hook: Hook) -> str:
    return f"support-access-{hook.account_id}"


def body_of(hook: Hook, answer: HookAnswer) -> bytes:
    """The JSON document to send, never longer than CloudFormation reads."""
    body = _rendered(hook, answer)
    if len(body) <= LARGEST:
        return body
    # Identifiers are bounded to some two thousand bytes, so this fits.
    return _rendered(hook, replace(answer, reason=answer.reason[:200], data={}))


def _rendered(hook: Hook, answer: HookAnswer) -> bytes:
    document = {
        "Status": answer.status.value,
        "Reason": answer.reason[:LONGEST_REASON],
        "PhysicalResourceId": physical_id(hook, answer),
        "StackId": hook.stack_id,
        "RequestId": hook.request_id,
        "LogicalResourceId": hook.logical_resource_id,
        "Data": dict(answer.data),
    }
    return json.dumps(document).encode("ascii")


def data_of(account: Account, *, name_prefix: str) -> dict[str, str]:
    """What the stack shows of the account: the template's outputs read it."""

    def arn(access: Access) -> str:
        return role_arn(account.account_id, account.partition, access, name_prefix=name_prefix)

    return {
        "ReadOnlyRoleArn": arn(Access.READ),
        "CasesRoleArn": arn(Access.CASE),
        "Issuer": account.issuer,
        "State": account.state.value,
    }
