"""What a caller must be allowed for one operation: actions, resources and condition keys.

Source: the service authorization reference. An operation that is not described here asks for
an unknown resource, which only a statement on `*` covers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from broker.sandbox.calls.operations import Operation
from broker.sandbox.needs.iam import iam_needs
from broker.sandbox.needs.kms import kms_needs
from broker.sandbox.needs.s3 import s3_needs
from broker.sandbox.needs.sns import sns_needs
from broker.sandbox.needs.sts import sts_needs
from broker.sandbox.needs.types import Need, UnmappedOperationError
from broker.sandbox.state.iam_directory import IamDirectory

Describe = Callable[[Operation, str, IamDirectory], Sequence[Need]]

_DESCRIBED: Mapping[str, Describe] = {
    "iam": iam_needs,
    "kms": kms_needs,
    "s3": s3_needs,
    "sns": sns_needs,
    "sts": sts_needs,
}

# Services whose actions carry another prefix than the name they sign with.
_ACTION_PREFIXES = {"monitoring": "cloudwatch", "tagging": "tag", "email": "ses"}

# Operations whose action has another name; source: service authorization reference.
_ACTION_NAMES = {
    "dynamodb:BatchExecuteStatement": "PartiQLSelect",
    "dynamodb:ExecuteStatement": "PartiQLSelect",
    "dynamodb:ExecuteTransaction": "PartiQLSelect",
    "dynamodb:TransactGetItems": "GetItem",
    "dynamodb:TransactWriteItems": "PutItem",
    "lambda:Invoke": "InvokeFunction",
    "lambda:InvokeAsync": "InvokeFunction",
}


def needs_of(operation: Operation, caller_arn: str, directory: IamDirectory) -> Sequence[Need]:
    """All of these must be allowed; none at all means that the operation needs no permission.

    Raises UnmappedOperationError for an operation that cannot be mapped to an action.
    """
    if operation.name is None:
        raise UnmappedOperationError
    describe = _DESCRIBED.get(operation.service)
    if describe is not None:
        return describe(operation, caller_arn, directory)
    if operation.service == "apigateway":  # its actions are the HTTP methods
        return [Need(f"apigateway:{operation.method}", None)]
    prefix = _ACTION_PREFIXES.get(operation.service, operation.service)
    name = _ACTION_NAMES.get(f"{prefix}:{operation.name}", operation.name)
    return [Need(f"{prefix}:{name}", None)]
