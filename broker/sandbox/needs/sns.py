"""The permissions of SNS's operations: each is asked on the topic that it names."""

from __future__ import annotations

from collections.abc import Sequence

from broker.sandbox.calls.operations import Operation
from broker.sandbox.needs.types import Need
from broker.sandbox.state.iam_directory import IamDirectory


def sns_needs(operation: Operation, caller_arn: str, directory: IamDirectory) -> Sequence[Need]:
    """Topic policies do not exist here: whoever's own policies allow it may publish."""
    del caller_arn, directory
    return [Need(f"sns:{operation.name}", operation.text("TopicArn"))]
