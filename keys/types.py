"""What a signing key is to the rest of the broker: its public half, where it lives, who owns it.

Everything here is a plain value or a protocol; values survive a round trip through JSON.
"""

from collections.abc import Collection, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import ClassVar, NewType, Protocol

from keys.errors import InvalidKey

Kid = NewType("Kid", str)
"""Key id in headers and JWKS: the RFC 7638 SHA-256 thumbprint, base64url without padding."""


DELETION_DAYS = range(7, 31)
"""How many days KMS waits before it destroys a key (ScheduleKeyDeletion, PendingWindowInDays)."""


class Algorithm(StrEnum):
    """JWS algorithms the broker signs with (RFC 7518 section 3.1)."""

    ES256 = "ES256"
    RS256 = "RS256"

    @property
    def kty(self) -> str:
        """The type of key that the algorithm signs with (RFC 7518 section 6.1)."""
        return "EC" if self is Algorithm.ES256 else "RSA"


class KeyState(StrEnum):
    """Where a key stands in its life; `keys.rotation` says how it moves."""

    PENDING = "pending"
    PUBLISHED = "published"
    ACTIVE = "active"
    RETIRING = "retiring"
    RETIRED = "retired"


@dataclass(frozen=True, slots=True)
class EcParameters:
    """Public parameters of an elliptic curve key (RFC 7518 section 6.2.1)."""

    kty: ClassVar[str] = "EC"

    crv: str
    x: str
    y: str


@dataclass(frozen=True, slots=True)
class RsaParameters:
    """Public parameters of an RSA key (RFC 7518 section 6.3.1)."""

    kty: ClassVar[str] = "RSA"

    n: str
    e: str


@dataclass(frozen=True, slots=True)
class PublicJwk:
    """The public half of a signing key, as the account's JWKS shows it.

    Raises InvalidKey when the parameters are of another key type than the algorithm signs with.
    """

    algorithm: Algorithm
    kid: Kid
    parameters: EcParameters | RsaParameters

    def __post_init__(self) -> None:
        if self.parameters.kty != self.algorithm.kty:
            raise InvalidKey(
                f"a key of type {self.parameters.kty} cannot sign {self.algorithm.value}"
            )

    def as_dict(self) -> dict[str, str]:
        """The JWK (RFC 7517 section 4) with the members relying parties need, and no other.

        `key_ops` stays out because STS refuses keys that carry it.
        """
        return {
            "kty": self.parameters.kty,
            "use": "sig",
            "alg": self.algorithm.value,
            "kid": self.kid,
            **asdict(self.parameters),
        }


@dataclass(frozen=True, slots=True)
class KeyOwner:
    """The account and the issuer that a key is made for; a provider labels the key with both."""

    account_id: str
    issuer_id: str


@dataclass(frozen=True, slots=True)
class KeyReference:
    """All that an account's record keeps of a key: enough to publish it and to sign with it.

    `locator` means something to the named provider only: a KMS key ARN or a file's name.
    """

    provider: str
    locator: str
    public_jwk: PublicJwk

    @property
    def kid(self) -> Kid:
        """The key id of the public half."""
        return self.public_jwk.kid

    @property
    def algorithm(self) -> Algorithm:
        """The one algorithm that this key signs with."""
        return self.public_jwk.algorithm


class ProviderKeyState(StrEnum):
    """What a provider says of a key when asked; only an enabled key signs."""

    ENABLED = "enabled"
    DISABLED = "disabled"
    PENDING_DELETION = "pending_deletion"
    MISSING = "missing"


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedKey:
    """A key as its provider lists it, whether or not any record knows of it."""

    provider: str
    locator: str
    owner: KeyOwner
    state: ProviderKeyState
    created_at: datetime


class Signer(Protocol):
    """One private key in use. Safe to call from many threads at once."""

    @property
    def kid(self) -> Kid:
        """The key id that goes into the header of what is signed."""
        ...

    @property
    def algorithm(self) -> Algorithm:
        """The algorithm that goes into the header of what is signed."""
        ...

    def sign(self, signing_input: bytes) -> bytes:
        """Return the JWS signature: r || s for ES256, PKCS#1 v1.5 for RS256.

        Raises SigningInputTooLarge past 4,096 bytes, KeyNotUsable when the key no longer signs,
        KeyUnavailable when trying again may help, InvalidSignature when the answer is none.
        """
        ...


class KeyProvider(Protocol):
    """Where private keys live. Every method raises KeyProviderError, as `keys.errors` tells."""

    def create(self, *, owner: KeyOwner, algorithm: Algorithm) -> KeyReference:
        """Make a new enabled key, labelled with its owner. Two calls make two keys."""
        ...

    def signer(self, reference: KeyReference) -> Signer:
        """A signer for the key, without a network call.

        A key that is not usable shows itself here or when it signs, as the provider can tell.
        """
        ...

    def describe(self, reference: KeyReference) -> ProviderKeyState:
        """What became of the key, asked now. A key that is gone is MISSING, not an error."""
        ...

    def disable(self, reference: KeyReference) -> None:
        """Stop the key from signing.

        Idempotent: a key that is already disabled, scheduled for deletion or gone is no error.
        """
        ...

    def schedule_deletion(self, reference: KeyReference, *, days: int) -> None:
        """Stop the key from signing now and destroy it after 7 to 30 days.

        Idempotent: a key already scheduled keeps its date, and one that is gone is no error.
        Raises ValueError for a number of days that is not in DELETION_DAYS.
        """
        ...

    def find(self, owner: KeyOwner) -> tuple[KeyReference, ...]:
        """The enabled keys that were made for this owner, the oldest first.

        That includes one whose making was interrupted at any point: it is completed here. A key
        that was made seconds ago may be missing, where the provider lists keys with a delay.
        """
        ...

    def inventory(self, *, without: Collection[str]) -> Iterator[ListedKey]:
        """Every key that carries this broker's labels, but for those at the given locators."""
        ...

    def discard(self, key: ListedKey, *, days: int) -> None:
        """Like `schedule_deletion`, for a key that no record refers to."""
        ...
