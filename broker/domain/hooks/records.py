"""CloudFormation's custom resource requests, as they are kept until they are answered.

Every request of every type must be answered within an hour, or the customer's stack hangs
(CloudFormation User Guide, "Custom resource request objects").
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from broker.domain.accounts import Payer
from broker.domain.identifiers import AccountId
from broker.domain.times import Timestamp

TO_ANSWER_WITHIN = timedelta(hours=1)


class HookKind(StrEnum):
    """What happens to the stack."""

    CREATE = "Create"
    UPDATE = "Update"
    DELETE = "Delete"


class HookStatus(StrEnum):
    """What CloudFormation is told."""

    SUCCESS = "SUCCESS"
    FAILED = "FAILED"


@dataclass(frozen=True, slots=True, kw_only=True)
class HookAnswer:
    """What became of a request; `reason` is for the customer, `data` shows in the stack."""

    status: HookStatus
    reason: str
    data: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hook:
    """One request. Once `delivered_at` or the deadline has passed nothing more is done.

    `response_url` lets its holder answer in the stack's name: it is dropped with the last try.
    `account_id` is what the stack's properties say. A request that is not that account's own word
    is kept with the answer already in it; one that is still needs the account's management role.
    """

    hook_id: str
    kind: HookKind
    stack_id: str
    request_id: str
    logical_resource_id: str
    physical_resource_id: str | None
    account_id: AccountId
    template_version: str | None
    payer: Payer | None = None
    response_url: str | None = field(repr=False)
    received_at: Timestamp
    next_try_at: Timestamp | None
    attempts: int = 0
    answer: HookAnswer | None = None
    delivered_at: Timestamp | None = None

    @property
    def deadline(self) -> datetime:
        """When CloudFormation stops waiting."""
        return self.received_at + TO_ANSWER_WITHIN


def hook_id_of(*, stack_id: str, request_id: str) -> str:
    """The idempotency key of a request: a hook delivered twice is one hook."""
    return hashlib.sha256(f"{stack_id}\n{request_id}".encode()).hexdigest()[:32]
