"""Custom resources: what CloudFormation asks of whoever a topic belongs to, and waits for.

Source: CloudFormation User Guide, "Custom resource request objects".
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from broker.sandbox.cloudformation.answers import (
    MalformedAnswerError,
    StackAnswer,
    StackAnswers,
    read_answer,
)
from broker.sandbox.cloudformation.template import TemplateError
from broker.sandbox.cloudformation.topics import PublishError, Topics

PATIENCE = 120.0
"""Seconds until an answer is given up; CloudFormation waits for an hour."""


class TopicUnreachableError(TemplateError):
    """Nobody was asked, so there is nothing to take back."""


class CustomResourceError(TemplateError):
    """A request failed. physical_id: what the answer called the resource, if there was one."""

    def __init__(self, text: str, physical_id: str | None = None) -> None:
        super().__init__(text)
        self.physical_id = physical_id


@dataclass(frozen=True)
class Request:
    """One request, without what the delivery adds."""

    kind: str
    stack_id: str
    logical_id: str
    resource_type: str
    properties: Mapping[str, Any] = field(repr=False)
    physical_id: str | None = None
    old_properties: Mapping[str, Any] | None = field(default=None, repr=False)


class CustomResources:
    """Sends requests to topics and waits for their answers."""

    def __init__(
        self, *, topics: Topics, answers: StackAnswers, patience: float = PATIENCE
    ) -> None:
        self._topics = topics
        self._answers = answers
        self._patience = patience

    def ask(self, request: Request) -> StackAnswer:
        """The answer to a request that succeeded; raises CustomResourceError."""
        request_id = str(uuid.uuid4())
        awaited = self._answers.expect(
            stack_id=request.stack_id, logical_id=request.logical_id, request_id=request_id
        )
        repeated = {
            "StackId": request.stack_id,
            "RequestId": request_id,
            "LogicalResourceId": request.logical_id,
        }
        document: dict[str, Any] = {
            "RequestType": request.kind,
            "ResponseURL": awaited.url,
            **repeated,
            "ResourceType": request.resource_type,
            "ResourceProperties": _as_text(request.properties),
        }
        if request.physical_id is not None:
            document["PhysicalResourceId"] = request.physical_id
        if request.old_properties is not None:
            document["OldResourceProperties"] = _as_text(request.old_properties)
        topic = str(request.properties["ServiceToken"])
        try:
            self._topics.publish(
                topic, json.dumps(document), subject="AWS CloudFormation custom resource request"
            )
        except PublishError as error:
            raise TopicUnreachableError(f"{request.logical_id}: {error}") from error
        if not awaited.arrived.wait(self._patience):
            raise CustomResourceError(
                f"{request.logical_id} did not answer: Custom Resource failed to stabilize in "
                "expected time."
            )
        return _succeeded(request, awaited.body, repeated)


def _succeeded(request: Request, body: bytes, repeated: Mapping[str, str]) -> StackAnswer:
    try:
        answer = read_answer(body, expected=repeated)
    except MalformedAnswerError as error:
        raise CustomResourceError(f"{request.logical_id}: {error}") from error
    if not answer.succeeded:
        raise CustomResourceError(
            f"{request.logical_id}: Received response status [FAILED] from custom resource. "
            f"Message returned: {answer.reason}",
            answer.physical_id,
        )
    return answer


def _as_text(value: Any) -> Any:
    """CloudFormation sends every scalar as a string."""
    if isinstance(value, Mapping):
        return {key: _as_text(member) for key, member in value.items()}
    if isinstance(value, list):
        return [_as_text(item) for item in value]
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
