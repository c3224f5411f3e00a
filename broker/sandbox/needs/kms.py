"""The permissions of KMS's operations.

Key policies are not evaluated: every key of the sandbox has the default one, which leaves the
decision to IAM policies of the key's own account.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from moto.kms.models import Key, kms_backends

from broker.sandbox.calls.operations import Operation
from broker.sandbox.needs.types import Need, request_tags, resource_tags
from broker.sandbox.state.iam_directory import IamDirectory

_WITHOUT_RESOURCE = frozenset({"CreateKey", "GenerateRandom", "ListAliases", "ListKeys"})
_CONTEXT_PARAMETERS = {
    "KeySpec": "kms:KeySpec",
    "KeyUsage": "kms:KeyUsage",
    "MessageType": "kms:MessageType",
    "SigningAlgorithm": "kms:SigningAlgorithm",
}


def kms_needs(operation: Operation, caller_arn: str, directory: IamDirectory) -> Sequence[Need]:
    """Aliases are asked on both the alias and its key, as KMS does."""
    del caller_arn, directory
    name = operation.name or ""
    context: dict[str, str | Sequence[str]] = request_tags(operation.tags())
    for parameter, condition_key in _CONTEXT_PARAMETERS.items():
        if value := operation.text(parameter):
            context[condition_key] = value
    tag_keys = operation.texts("TagKeys")
    if tag_keys:
        context["aws:TagKeys"] = tag_keys
    if name in _WITHOUT_RESOURCE:
        needs = [Need(f"kms:{name}", "*", context)]
        tagging = bool(operation.tags()) and name == "CreateKey"
        return [*needs, Need("kms:TagResource", "*", context)] if tagging else needs
    target = operation.text("KeyId") or operation.text("TargetKeyId") or ""
    alias = operation.text("AliasName")
    key = _find_key(operation, target or alias or "")
    if target.startswith("alias/"):
        context["kms:RequestAlias"] = target
    on_key = Need(f"kms:{name}", *_described(operation, key, target, context))
    if not name.endswith("Alias") or alias is None:
        return [on_key]
    return [Need(f"kms:{name}", _arn(operation, alias), context), on_key]


def _described(
    operation: Operation,
    key: Key | None,
    target: str,
    context: Mapping[str, str | Sequence[str]],
) -> tuple[str | None, Mapping[str, str | Sequence[str]]]:
    """A key that does not exist is asked for under the name that the caller gave it."""
    if key is None:
        named = _arn(operation, f"key/{target}") if target and ":" not in target else target
        return named or None, context
    backend = kms_backends[operation.account_id][operation.region]
    tags: Mapping[str, str] = backend.tagger.get_tag_dict_for_resource(key.id)
    known = {**context, **resource_tags(tags), "kms:KeySpec": key.key_spec}
    if key.aliases:
        known["kms:ResourceAliases"] = list(key.aliases)
    return key.arn, known


def _find_key(operation: Operation, identifier: str) -> Key | None:
    """By id, ARN or alias, in the caller's account and Region; another's ARN finds none."""
    backend = kms_backends[operation.account_id][operation.region]
    for key in list(backend.keys.values()):
        names = {key.id, key.arn, *key.aliases, *(_arn(operation, each) for each in key.aliases)}
        if identifier in names:
            return key
    return None


def _arn(operation: Operation, resource: str) -> str:
    where = f"arn:{operation.partition}:kms:{operation.region}:{operation.account_id}"
    return f"{where}:{resource}"
