"""Minting: claims, signed with the one active key of the one account they are for."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field

from broker.domain.accounts import Account
from broker.errors import DependencyUnavailable
from keys.errors import KeyNotUsable, KeyProviderError
from keys.jose import encode_jws
from keys.rotation import active
from keys.types import KeyProvider, KeyReference, Kid, Signer

_SIGNERS_KEPT = 4096
_UNUSABLE = "The account's signing key cannot be used at the moment. Try again shortly."


@dataclass(frozen=True, slots=True)
class IdentityToken:
    """A signed identity token. Whoever holds it can be the engineer for minutes: never printed."""

    kid: Kid
    compact: str = field(repr=False)


class SigningKeyGone(DependencyUnavailable):
    """The key was disabled or destroyed: asking it again does not help."""


class Minter:
    """Signs claims for accounts; keeps signers, so that a KMS client is not built at each call."""

    def __init__(self, *, key_providers: Mapping[str, KeyProvider]) -> None:
        self._providers = key_providers
        self._signers: dict[Kid, Signer] = {}
        self._lock = threading.Lock()

    def mint(self, account: Account, claims: Mapping[str, object]) -> IdentityToken:
        """`claims` as a JWS of type JWT, signed with the account's active key.

        Raises DependencyUnavailable (`aws_unavailable`) where the key cannot sign now.
        """
        try:
            reference = active(account.keys).reference
        except KeyProviderError as e:
            raise _unusable() from e
        return self.mint_with(reference, claims)

    def mint_with(self, reference: KeyReference, claims: Mapping[str, object]) -> IdentityToken:
        """Like `mint`, with a key that is not the account's active one: to prove it before use."""
        return IdentityToken(reference.kid, self.sign(reference, claims, typ="JWT"))

    def sign(self, reference: KeyReference, claims: Mapping[str, object], *, typ: str) -> str:
        """`claims` as a JWS of this type in compact form.

        Raises DependencyUnavailable like `mint`, and SigningKeyGone where the key never signs
        again.
        """
        try:
            return encode_jws(claims, signer=self._signer(reference), typ=typ)
        except KeyNotUsable as e:
            raise SigningKeyGone(_UNUSABLE) from e
        except KeyProviderError as e:
            raise _unusable() from e

    def _signer(self, reference: KeyReference) -> Signer:
        with self._lock:
            signer = self._signers.get(reference.kid)
            if signer is None:
                if len(self._signers) >= _SIGNERS_KEPT:
                    self._signers.clear()
                provider = self._providers.get(reference.provider)
                if provider is None:
                    raise _unusable()
                signer = provider.signer(reference)
                self._signers[reference.kid] = signer
            return signer


def _unusable() -> DependencyUnavailable:
    return DependencyUnavailable(_UNUSABLE)
