"""What CloudFormation asks for a custom resource, and whether that is the account's own word.

Anybody can publish to the topic, so everything in a request is what its publisher says. A request
counts for an account only if it carries the ExternalId that was given to that account, which its
own stack knows and no other; what is done then still needs the account's management role.

Source: CloudFormation User Guide, "Custom resource request objects".
"""

from __future__ import annotations

import hmac
import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, StringConstraints, ValidationError

from broker.domain.accounts import Account, Payer
from broker.domain.hooks.records import HookAnswer, HookKind, HookStatus
from broker.domain.identifiers import AccountId, Identifier
from broker.domain.role_plan import management_role_arn


class StackId(Identifier):
    """The ARN of a stack."""

    __slots__ = ()
    pattern = re.compile(
        r"arn:aws[a-z-]*:cloudformation:[a-z0-9-]{1,32}:[0-9]{12}"
        r":stack/[A-Za-z][A-Za-z0-9-]{0,127}/[0-9a-f-]{1,64}"
    )
    rule = "must be the ARN of a CloudFormation stack"

    @property
    def region(self) -> str:
        """Where the stack is."""
        return self.split(":")[3]

    @property
    def account_id(self) -> AccountId:
        """Whose stack it is, or is said to be."""
        return AccountId.parse(self.split(":")[4])


class MalformedHook(Exception):
    """A notification is no request that our template's custom resource makes."""


_Word = Annotated[str, StringConstraints(pattern=r"^[!-~]{1,128}$")]
_Line = Annotated[str, StringConstraints(pattern=r"^[ -~]{1,1024}$")]


class _Properties(BaseModel):
    """The custom resource's properties, as our template sets them."""

    model_config = ConfigDict(strict=True, frozen=True, hide_input_in_errors=True)

    AccountId: AccountId
    ExternalId: SecretStr
    Payer: Literal["true", "false"]
    RoleArn: _Line
    TemplateVersion: _Word


class _Request(BaseModel):
    """CloudFormation's request; members that it has besides are not read."""

    model_config = ConfigDict(strict=True, frozen=True, hide_input_in_errors=True)

    RequestType: HookKind
    ResponseURL: Annotated[str, Field(max_length=4096, repr=False)]
    StackId: StackId
    RequestId: _Word
    LogicalResourceId: _Word
    PhysicalResourceId: _Line | None = None
    ResourceProperties: _Properties


@dataclass(frozen=True, slots=True, kw_only=True)
class HookRequest:
    """A request as its publisher wrote it."""

    kind: HookKind
    response_url: str = field(repr=False)
    stack_id: StackId
    request_id: str
    logical_resource_id: str
    physical_resource_id: str | None
    account_id: AccountId
    external_id: str = field(repr=False)
    payer: Payer
    role_arn: str
    template_version: str


def parse(text: str) -> HookRequest:
    """The request in a notification's text; raises MalformedHook."""
    try:
        request = _Request.model_validate_json(text)
    except ValidationError as e:
        # The cause holds no input, and its summary names members only.
        raise MalformedHook(str(e.error_count())) from e
    if request.RequestType is not HookKind.CREATE and request.PhysicalResourceId is None:
        raise MalformedHook("no PhysicalResourceId")
    properties = request.ResourceProperties
    return HookRequest(
        kind=request.RequestType,
        response_url=request.ResponseURL,
        stack_id=request.StackId,
        request_id=request.RequestId,
        logical_resource_id=request.LogicalResourceId,
        physical_resource_id=request.PhysicalResourceId,
        account_id=properties.AccountId,
        external_id=properties.ExternalId.get_secret_value(),
        payer=Payer.YES if properties.Payer == "true" else Payer.NO,
        role_arn=properties.RoleArn,
        template_version=properties.TemplateVersion,
    )


class Objection(StrEnum):
    """Why a request does not count for the account that it names."""

    FOREIGN_STACK = "foreign_stack"
    NOT_REGISTERED = "not_registered"
    WRONG_EXTERNAL_ID = "wrong_external_id"
    OTHER_ROLE = "other_role"


_SENTENCES = {
    Objection.FOREIGN_STACK: "The stack is not in the account that it speaks for.",
    Objection.NOT_REGISTERED: (
        "This account is not registered with your support organisation. Ask them to register it, "
        "then create the stack with the link that they give you."
    ),
    Objection.WRONG_EXTERNAL_ID: (
        "The ExternalId is not the one that was given to this account. Create the stack with this "
        "account's own link, and leave the parameters as they are."
    ),
    Objection.OTHER_ROLE: (
        "The management role has another name than your support organisation expects. Create the "
        "stack with this account's own link, and leave the parameters as they are."
    ),
}


def objection(
    request: HookRequest, account: Account | None, *, name_prefix: str
) -> Objection | None:
    """Why `request` does not count for `account`, which is registered under its id, if any."""
    if request.stack_id.account_id != request.account_id:
        return Objection.FOREIGN_STACK
    if account is None:
        return Objection.NOT_REGISTERED
    given, own = request.external_id.encode("utf-8"), account.external_id.encode("utf-8")
    if not hmac.compare_digest(given, own):
        return Objection.WRONG_EXTERNAL_ID
    role = management_role_arn(account.account_id, account.partition, name_prefix=name_prefix)
    return None if request.role_arn == role else Objection.OTHER_ROLE


def without_effect(kind: HookKind, why: str) -> HookAnswer:
    """The answer to a request for which nothing is done.

    A Delete succeeds all the same: there is nothing of that stack's here, and the customer must
    be able to delete it.
    """
    if kind is HookKind.DELETE:
        return HookAnswer(status=HookStatus.SUCCESS, reason=f"Nothing was changed. {why}")
    return HookAnswer(status=HookStatus.FAILED, reason=why)


def answer_to(kind: HookKind, objected: Objection) -> HookAnswer:
    """What the customer is told of an objection."""
    return without_effect(kind, _SENTENCES[objected])
