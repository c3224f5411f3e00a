"""Signing keys as encrypted PEM files, for one machine and for the sandbox.

The same contract as KMS, except that whoever holds folder and passphrase holds the keys.
"""

import json
import os
from collections.abc import Callable, Collection, Iterator
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import TypeAlias

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from keys.errors import InvalidKey, KeyNotUsable, UnreadableKeyFile, UnsafeKeyFile
from keys.jose import public_jwk, raw_p256_signature, refuse_too_large
from keys.keyfiles import KeyFile, KeyFolder
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

PROVIDER = "local"

_PrivateKey: TypeAlias = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


@dataclass(frozen=True, slots=True)
class LocalSigner:
    """A private key in memory that signs for as long as its file says that it may."""

    kid: Kid
    algorithm: Algorithm
    enabled_file: str
    sign_octets: Callable[[bytes], bytes] = field(repr=False)

    def sign(self, signing_input: bytes) -> bytes:
        """Return the JWS signature; `keys.types.Signer` has the contract."""
        refuse_too_large(signing_input)
        if not os.access(self.enabled_file, os.F_OK):
            raise KeyNotUsable("the key is disabled or gone")
        return self.sign_octets(signing_input)


class LocalKeyProvider:
    """Keys in one folder, under one passphrase. `keys.types.KeyProvider` has the contract.

    A key that is due is destroyed as soon as the provider is next asked to create or describe one.
    """

    def __init__(
        self,
        folder: Path,
        *,
        passphrase: bytes,
        clock: Callable[[], datetime],
        cached_signers: int = 1024,
    ) -> None:
        """Open the folder, which is created where it is missing.

        The passphrase has to be random: PKCS#8 as `cryptography` writes it stretches one with
        2,048 rounds only. Loading a key takes milliseconds, so that the loaded ones are kept.
        Raises UnsafeKeyFile as KeyFolder does, ValueError for an empty passphrase.
        """
        if not passphrase:
            raise ValueError("the passphrase of the local keys is empty")
        self._folder = KeyFolder(folder)
        self._passphrase = passphrase
        self._clock = clock
        self._cached_signer = lru_cache(maxsize=cached_signers)(self._load_signer)

    def create(self, *, owner: KeyOwner, algorithm: Algorithm) -> KeyReference:
        """Make a new enabled key, with its owner written above it in the file."""
        self._folder.destroy_due(self._clock())
        private_key = _generate(algorithm)
        jwk = public_jwk(private_key.public_key())
        pem = private_key.private_bytes(
            encoding=Encoding.PEM,
            format=PrivateFormat.PKCS8,
            encryption_algorithm=BestAvailableEncryption(self._passphrase),
        )
        # A line before the first boundary is explanatory text (RFC 7468 section 2).
        self._folder.add(jwk.kid, json.dumps(asdict(owner)).encode("ascii") + b"\n" + pem)
        return KeyReference(provider=PROVIDER, locator=jwk.kid, public_jwk=jwk)

    def signer(self, reference: KeyReference) -> Signer:
        """A signer for the key.

        Raises KeyNotUsable for a key that is disabled or gone, UnsafeKeyFile, UnreadableKeyFile
        or InvalidKey when its file is not as it was written.
        """
        return self._cached_signer(_kid(reference))

    def describe(self, reference: KeyReference) -> ProviderKeyState:
        """What became of the key, asked now."""
        self._folder.destroy_due(self._clock())
        return self._folder.state(_kid(reference))

    def disable(self, reference: KeyReference) -> None:
        """Stop the key from signing, in every process that shares the folder."""
        self._folder.disable(_kid(reference))

    def schedule_deletion(self, reference: KeyReference, *, days: int) -> None:
        """Stop the key from signing now and destroy it after 7 to 30 days."""
        self._schedule_deletion(_kid(reference), days)

    def find(self, owner: KeyOwner) -> tuple[KeyReference, ...]:
        """The owner's keys; one that was being written in a crash was none yet."""
        own = [
            file
            for file in self._folder.files()
            if file.state is ProviderKeyState.ENABLED and _owner(file) == owner
        ]
        return tuple(
            self._reference(Kid(file.kid)) for file in sorted(own, key=lambda file: file.created_at)
        )

    def inventory(self, *, without: Collection[str]) -> Iterator[ListedKey]:
        """Every key in the folder, but for those with the given kids."""
        for file in self._folder.files():
            owner = _owner(file)
            if owner is not None and file.kid not in without:
                yield ListedKey(
                    provider=PROVIDER,
                    locator=file.kid,
                    owner=owner,
                    state=file.state,
                    created_at=file.created_at,
                )

    def discard(self, key: ListedKey, *, days: int) -> None:
        """Stop a listed key from signing now and destroy it after 7 to 30 days."""
        if key.provider != PROVIDER:
            raise InvalidKey("the listed key is not a local one")
        self._schedule_deletion(Kid(key.locator), days)

    def _schedule_deletion(self, kid: Kid, days: int) -> None:
        if days not in DELETION_DAYS:
            raise ValueError("a key is destroyed after 7 to 30 days")
        self._folder.schedule_deletion(kid, at=self._clock() + timedelta(days=days))

    def _reference(self, kid: Kid) -> KeyReference:
        _, jwk = self._read(kid)
        return KeyReference(provider=PROVIDER, locator=kid, public_jwk=jwk)

    def _load_signer(self, kid: Kid) -> LocalSigner:
        private_key, jwk = self._read(kid)
        return LocalSigner(
            kid=kid,
            algorithm=jwk.algorithm,
            enabled_file=self._folder.enabled_file(kid),
            sign_octets=_signing_function(private_key),
        )

    def _read(self, kid: Kid) -> tuple[_PrivateKey, PublicJwk]:
        private_key = _decrypt(self._folder.read(kid), passphrase=self._passphrase)
        jwk = public_jwk(private_key.public_key())
        if jwk.kid != kid:
            raise InvalidKey("a key file holds another key than its name says")
        return private_key, jwk


def _owner(file: KeyFile) -> KeyOwner | None:
    """Whom the line above the PEM names; None where it is not one of ours."""
    try:
        return KeyOwner(**json.loads(file.first_line))
    except (TypeError, ValueError):
        return None


def _kid(reference: KeyReference) -> Kid:
    """The name of the key's file, which is its kid: no other name is ever looked up."""
    if (reference.provider, reference.locator) != (PROVIDER, reference.kid):
        raise InvalidKey("the reference is not that of a local key")
    return reference.kid


def _generate(algorithm: Algorithm) -> _PrivateKey:
    match algorithm:
        case Algorithm.ES256:
            return ec.generate_private_key(ec.SECP256R1())
        case Algorithm.RS256:
            return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def _decrypt(pem: bytes, *, passphrase: bytes) -> _PrivateKey:
    try:
        key = load_pem_private_key(pem, password=passphrase, unsafe_skip_rsa_key_validation=False)
    except TypeError as e:
        raise UnsafeKeyFile("a key file is not encrypted") from e
    except (ValueError, UnsupportedAlgorithm) as e:
        raise UnreadableKeyFile("a key file has another passphrase, or it is damaged") from e
    if not isinstance(key, _PrivateKey):
        raise InvalidKey("a key file holds neither an EC nor an RSA key")
    return key


def _signing_function(private_key: _PrivateKey) -> Callable[[bytes], bytes]:
    """How the key signs (RFC 7518 sections 3.3 and 3.4)."""
    match private_key:
        case ec.EllipticCurvePrivateKey():
            ecdsa = ec.ECDSA(hashes.SHA256(), deterministic_signing=False)
            return lambda octets: raw_p256_signature(private_key.sign(octets, ecdsa))
        case rsa.RSAPrivateKey():
            pkcs1, sha256 = padding.PKCS1v15(), hashes.SHA256()
            return lambda octets: private_key.sign(octets, pkcs1, sha256)
