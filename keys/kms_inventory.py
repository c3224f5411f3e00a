"""Which keys of an AWS account are this broker's: by alias where there is one, else by tags.

A key gets its tags as it is made and its alias a moment later. So only keys without any alias have
to be asked for their tags, one call each, and keys of others are told by their aliases.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from keys.errors import KeyNotUsable
from keys.kms_errors import translated
from keys.types import KeyOwner

if TYPE_CHECKING:
    from mypy_boto3_kms import KMSClient

ACCOUNT_TAG, ISSUER_TAG = "AccountId", "IssuerId"
"""The tags that name a key's owner."""


@dataclass(frozen=True, slots=True)
class LabelledKey:
    """A key that carries our labels; `named` says whether it has its alias."""

    arn: str
    owner: KeyOwner
    named: bool


class KmsInventory:
    """Lists the keys of one Region (KMS ListAliases, ListKeys, ListResourceTags)."""

    def __init__(self, client: "KMSClient", *, alias_prefix: str, tags: Mapping[str, str]) -> None:
        self._client = client
        self._ours = f"alias/{alias_prefix}/"
        self._tags = tags

    def of(self, owner: KeyOwner, folder: str) -> Iterator[LabelledKey]:
        """The keys of one owner, whose aliases lie in `folder`."""
        yield from (key for key in self._labelled(folder + "/", ()) if key.owner == owner)

    def all(self, *, without: Collection[str]) -> Iterator[LabelledKey]:
        """Every key of ours, but for those with the given ARNs."""
        yield from self._labelled(self._ours, without)

    def _labelled(self, folder: str, without: Collection[str]) -> Iterator[LabelledKey]:
        aliases = self._aliases()
        for key_id, arn in self._keys():
            names = aliases.get(key_id, [])
            named = any(name.startswith(folder) for name in names)
            if arn not in without and (named or not names):
                owner = self._owner(arn)
                if owner is not None:
                    yield LabelledKey(arn, owner, named)

    def _aliases(self) -> Mapping[str, list[str]]:
        """The aliases of every key that has one, by key id."""
        found: dict[str, list[str]] = {}
        with translated("list the aliases of keys"):
            for page in self._client.get_paginator("list_aliases").paginate():
                for alias in page["Aliases"]:
                    if "TargetKeyId" in alias:
                        found.setdefault(alias["TargetKeyId"], []).append(alias["AliasName"])
        return found

    def _keys(self) -> list[tuple[str, str]]:
        with translated("list keys"):
            pages = self._client.get_paginator("list_keys").paginate()
            return [(key["KeyId"], key["KeyArn"]) for page in pages for key in page["Keys"]]

    def _owner(self, arn: str) -> KeyOwner | None:
        """The owner that the tags name; None for a key without our tags, or that is gone by now."""
        try:
            tags = self._tags_of(arn)
        except KeyNotUsable:
            return None
        account_id, issuer_id = tags.get(ACCOUNT_TAG), tags.get(ISSUER_TAG)
        if account_id is None or issuer_id is None or not self._tags.items() <= tags.items():
            return None
        return KeyOwner(account_id=account_id, issuer_id=issuer_id)

    def _tags_of(self, arn: str) -> Mapping[str, str]:
        with translated("read the tags of a key"):
            pages = self._client.get_paginator("list_resource_tags").paginate(KeyId=arn)
            return {tag["TagKey"]: tag["TagValue"] for page in pages for tag in page["Tags"]}
