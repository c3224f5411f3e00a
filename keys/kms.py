"""Signing keys in AWS KMS: the private half never leaves it, and every signature is one call."""

import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from operator import itemgetter
from typing import TYPE_CHECKING

from keys.errors import InvalidKey, KeyNotUsable, KeyProviderError, KeyUnavailable
from keys.jose import public_jwk_from_spki, raw_p256_signature, refuse_too_large
from keys.kms_errors import translated
from keys.kms_inventory import ACCOUNT_TAG, ISSUER_TAG, KmsInventory, LabelledKey
from keys.types import (
    DELETION_DAYS,
    Algorithm,
    KeyOwner,
    KeyReference,
    Kid,
    ListedKey,
    ProviderKeyState,
    PublicJwk,
    Signer,
)

if TYPE_CHECKING:
    from mypy_boto3_kms import KMSClient
    from mypy_boto3_kms.literals import KeySpecType, SigningAlgorithmSpecType
    from mypy_boto3_kms.type_defs import KeyMetadataTypeDef

PROVIDER = "kms"

_KEY_SPECS: "Mapping[Algorithm, KeySpecType]" = {
    Algorithm.ES256: "ECC_NIST_P256",
    Algorithm.RS256: "RSA_2048",
}
_SIGNING_ALGORITHMS: "Mapping[Algorithm, SigningAlgorithmSpecType]" = {
    Algorithm.ES256: "ECDSA_SHA_256",
    Algorithm.RS256: "RSASSA_PKCS1_V1_5_SHA_256",
}
_STATES = {
    "Enabled": ProviderKeyState.ENABLED,
    "Disabled": ProviderKeyState.DISABLED,
    "PendingDeletion": ProviderKeyState.PENDING_DELETION,
}
_LEAVING = (ProviderKeyState.PENDING_DELETION, ProviderKeyState.MISSING)

# What CreateAlias takes, one segment of it at a time; alias/aws/ is reserved.
_ALIAS_SEGMENT = r"[a-zA-Z0-9_-]+"
_ALIAS_PREFIX = rf"(?!aws/){_ALIAS_SEGMENT}(/{_ALIAS_SEGMENT})*"
_SHORT = 16


@dataclass(frozen=True, slots=True)
class KmsSigner:
    """One KMS key. It asks KMS for signatures and for nothing else."""

    kid: Kid
    algorithm: Algorithm
    arn: str
    client: "KMSClient" = field(repr=False)

    def sign(self, signing_input: bytes) -> bytes:
        """Return the JWS signature (KMS Sign); `keys.types.Signer` has the contract."""
        refuse_too_large(signing_input)
        with translated("sign"):
            signature = self.client.sign(
                KeyId=self.arn,
                Message=signing_input,
                MessageType="RAW",
                SigningAlgorithm=_SIGNING_ALGORITHMS[self.algorithm],
            )["Signature"]
        return raw_p256_signature(signature) if self.algorithm is Algorithm.ES256 else signature


class KmsKeyProvider:
    """Keys in one Region of one AWS account. `keys.types.KeyProvider` has the contract.

    The client brings its own timeouts and retries, and may be shared between threads.
    """

    def __init__(self, client: "KMSClient", *, alias_prefix: str, tags: Mapping[str, str]) -> None:
        """Alias prefix and tags set this broker's keys apart from all others in the account.

        Raises ValueError for a prefix that KMS would not take.
        """
        if not re.fullmatch(_ALIAS_PREFIX, alias_prefix):
            raise ValueError("a KMS alias is made of letters, digits, '_', '-' and '/'")
        self._client = client
        self._alias_prefix = alias_prefix
        self._tags = dict(tags)
        self._inventory = KmsInventory(client, alias_prefix=alias_prefix, tags=self._tags)

    def create(self, *, owner: KeyOwner, algorithm: Algorithm) -> KeyReference:
        """Make a new key with tags and an alias (KMS CreateKey, GetPublicKey, CreateAlias).

        When a step after the first fails, the key is scheduled for deletion, because no record
        will ever own it. Should that fail too, the error carries a note which says so.
        """
        alias_folder = self._alias_folder(owner)
        arn = self._create_key(owner, algorithm)
        try:
            jwk = self._public_jwk(arn, algorithm)
            self._create_alias(f"{alias_folder}/{jwk.kid[:_SHORT]}", arn)
        except KeyNotUsable as e:
            # KMS is eventually consistent: it may not know a key yet that it has just made.
            self._abandon(arn, because=e)
            raise KeyUnavailable("KMS does not yet know the key that it has made") from e
        except KeyProviderError as e:
            self._abandon(arn, because=e)
            raise
        return KeyReference(provider=PROVIDER, locator=arn, public_jwk=jwk)

    def signer(self, reference: KeyReference) -> Signer:
        """A signer for the key; whether the key is usable shows when it signs."""
        return KmsSigner(
            kid=reference.kid,
            algorithm=reference.algorithm,
            arn=_arn(reference),
            client=self._client,
        )

    def describe(self, reference: KeyReference) -> ProviderKeyState:
        """What became of the key, asked now (KMS DescribeKey).

        Raises KeyUnavailable while KMS says something that is neither of our states.
        """
        return self._state(_arn(reference))

    def disable(self, reference: KeyReference) -> None:
        """Stop the key from signing (KMS DisableKey)."""
        arn = _arn(reference)
        try:
            with translated("disable a key"):
                self._client.disable_key(KeyId=arn)
        except KeyNotUsable:
            if self.describe(reference) not in _LEAVING:
                raise

    def schedule_deletion(self, reference: KeyReference, *, days: int) -> None:
        """Stop the key from signing now and destroy it later (KMS ScheduleKeyDeletion)."""
        self._end(_arn(reference), days)

    def find(self, owner: KeyOwner) -> tuple[KeyReference, ...]:
        """The owner's keys, by alias, and by tags where a crash came before the alias.

        KMS ListAliases, ListKeys, ListResourceTags, DescribeKey and GetPublicKey. Its lists may
        miss what was made seconds ago; what slips through shows as an orphan.
        """
        folder = self._alias_folder(owner)
        found: list[tuple[datetime, KeyReference]] = []
        for key in self._inventory.of(owner, folder):
            with suppress(KeyNotUsable):
                state, created_at = self._described(key.arn)
                if state is ProviderKeyState.ENABLED:
                    found.append((created_at, self._completed(key, folder)))
        return tuple(reference for _, reference in sorted(found, key=itemgetter(0)))

    def inventory(self, *, without: Collection[str]) -> Iterator[ListedKey]:
        """Every key with this broker's tags, but for those with the given ARNs."""
        for key in self._inventory.all(without=without):
            # A key that is destroyed meanwhile is left out.
            with suppress(KeyNotUsable):
                state, created_at = self._described(key.arn)
                yield ListedKey(
                    provider=PROVIDER,
                    locator=key.arn,
                    owner=key.owner,
                    state=state,
                    created_at=created_at,
                )

    def discard(self, key: ListedKey, *, days: int) -> None:
        """Stop a listed key from signing now and destroy it later (KMS ScheduleKeyDeletion)."""
        if key.provider != PROVIDER:
            raise InvalidKey("the listed key is not a KMS key")
        self._end(key.locator, days)

    def _completed(self, key: LabelledKey, folder: str) -> KeyReference:
        """What `create` would have returned; a key without a name gets it now."""
        with translated("read a public key"):
            jwk = public_jwk_from_spki(self._client.get_public_key(KeyId=key.arn)["PublicKey"])
        if not key.named:
            self._create_alias(f"{folder}/{jwk.kid[:_SHORT]}", key.arn)
        return KeyReference(provider=PROVIDER, locator=key.arn, public_jwk=jwk)

    def _described(self, arn: str) -> tuple[ProviderKeyState, datetime]:
        """State and time of creation; raises KeyNotUsable for a key that is gone."""
        with translated("describe a key"):
            key = self._client.describe_key(KeyId=arn)["KeyMetadata"]
            return _state_in(key), key["CreationDate"].astimezone(UTC)

    def _state(self, arn: str) -> ProviderKeyState:
        try:
            with translated("describe a key"):
                return _state_in(self._client.describe_key(KeyId=arn)["KeyMetadata"])
        except KeyNotUsable:
            return ProviderKeyState.MISSING

    def _end(self, arn: str, days: int) -> None:
        if days not in DELETION_DAYS:
            raise ValueError("a key is destroyed after 7 to 30 days")
        try:
            self._schedule_deletion(arn, days)
        except KeyNotUsable:
            if self._state(arn) not in _LEAVING:
                raise

    def _alias_folder(self, owner: KeyOwner) -> str:
        segments = (owner.account_id, owner.issuer_id[:_SHORT])
        if not all(re.fullmatch(_ALIAS_SEGMENT, segment) for segment in segments):
            raise ValueError("an account or issuer id does not fit into a KMS alias")
        return "/".join(("alias", self._alias_prefix, *segments))

    def _create_key(self, owner: KeyOwner, algorithm: Algorithm) -> str:
        tags = {**self._tags, ACCOUNT_TAG: owner.account_id, ISSUER_TAG: owner.issuer_id}
        with translated("create a key"):
            key = self._client.create_key(
                Description=f"Signs as the OpenID Connect issuer of account {owner.account_id}",
                KeyUsage="SIGN_VERIFY",
                KeySpec=_KEY_SPECS[algorithm],
                Origin="AWS_KMS",
                MultiRegion=False,
                Tags=[{"TagKey": name, "TagValue": value} for name, value in tags.items()],
            )["KeyMetadata"]
            return key["Arn"]

    def _public_jwk(self, arn: str, algorithm: Algorithm) -> PublicJwk:
        with translated("read a public key"):
            spki = self._client.get_public_key(KeyId=arn)["PublicKey"]
        jwk = public_jwk_from_spki(spki)
        if jwk.algorithm is not algorithm:
            raise InvalidKey("KMS made a key of another type than it was asked for")
        return jwk

    def _create_alias(self, alias: str, arn: str) -> None:
        with translated("name a key"):
            self._client.create_alias(AliasName=alias, TargetKeyId=arn)

    def _schedule_deletion(self, arn: str, days: int) -> None:
        with translated("schedule the deletion of a key"):
            self._client.schedule_key_deletion(KeyId=arn, PendingWindowInDays=days)

    def _abandon(self, arn: str, *, because: KeyProviderError) -> None:
        try:
            self._schedule_deletion(arn, min(DELETION_DAYS))
        except KeyProviderError as e:
            because.add_note(f"The half-made key stays behind, with its owner's tags: {e}")


def _state_in(key: "KeyMetadataTypeDef") -> ProviderKeyState:
    state = key["KeyState"]
    if state not in _STATES:
        raise KeyUnavailable(f"KMS says that the key is in the state {state}")
    return _STATES[state]


def _arn(reference: KeyReference) -> str:
    if reference.provider != PROVIDER:
        raise InvalidKey("the reference is not that of a KMS key")
    return reference.locator
