"""Whether the keys of an account can sign, and sign as the keys that are published."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import jwt

from broker.domain.accounts import Account
from broker.domain.diagnosis import Check
from broker.services.ambient import Entropy
from keys.errors import KeyProviderError, KeyUnavailable
from keys.rotation import KeyRecord
from keys.types import KeyProvider, KeyState, ProviderKeyState

_ROLES = {KeyState.ACTIVE: "active", KeyState.PUBLISHED: "staged"}
"""The keys that must be able to sign: the one that does, and the one of an emergency."""

_MEANINGS = {
    "active": "No session can be opened for the account.",
    "staged": "There is no key to change to in an emergency.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningExamination:
    """Asks the key provider: for KMS these are DescribeKey and Sign."""

    key_providers: Mapping[str, KeyProvider]
    entropy: Entropy

    def usable(self, account: Account) -> Iterator[Check]:
        """What became of the active and the staged key, and a signature by each of them."""
        for role, key in _signing_keys(account):
            yield self._checked(account, role, key, sign=True)
        yield from _missing(account)

    def described(self, account: Account) -> Iterator[Check]:
        """The same, only asking: nothing is signed."""
        for role, key in _signing_keys(account):
            yield self._checked(account, role, key, sign=False)

    def _checked(self, account: Account, role: str, key: KeyRecord, *, sign: bool) -> Check:
        name = f"{role} key"
        try:
            fault = self._fault(key) or (self._fault_of_signature(key) if sign else None)
        except KeyUnavailable:
            mend = "Try again once the key provider answers."
            return Check.not_run(name, "The key provider does not answer.", mend=mend)
        except KeyProviderError as e:
            fault = f"It cannot be used: {e}."
        if fault is None:
            done = "It is enabled, and signs as it is published." if sign else "It is enabled."
            return Check.ok(name, done)
        return Check.failed(
            name,
            fault,
            meaning=_MEANINGS[role],
            mend="Enable the key again, or give the broker's own role what it needs in KMS. Where "
            f"the key is lost, change it: `broker accounts rotate-key {account.account_id}`.",
        )

    def _fault(self, key: KeyRecord) -> str | None:
        provider = self.key_providers.get(key.reference.provider)
        if provider is None:
            return f"It is kept by {key.reference.provider}, and BROKER_KEY_PROVIDER is another."
        state = provider.describe(key.reference)
        if state is ProviderKeyState.ENABLED:
            return None
        return f"The key provider says that it is {state.value.replace('_', ' ')}."

    def _fault_of_signature(self, key: KeyRecord) -> str | None:
        # Spaces and no dots: this can never be taken for what is signed of a JWS.
        message = f"doctor of the support access broker {self.entropy.jti()}".encode("ascii")
        signer = self.key_providers[key.reference.provider].signer(key.reference)
        signature = signer.sign(message)
        published = jwt.PyJWK.from_dict(key.reference.public_jwk.as_dict())
        if published.Algorithm.verify(message, published.key, signature):
            return None
        return "It signs, but not as the key that is published."


def _signing_keys(account: Account) -> Iterator[tuple[str, KeyRecord]]:
    for state, role in _ROLES.items():
        for key in account.keys:
            if key.state is state:
                yield role, key


def _missing(account: Account) -> Iterator[Check]:
    present = [key.state for key in account.keys]
    for state, role in _ROLES.items():
        if state not in present:
            yield Check.failed(
                f"{role} key",
                "There is none.",
                meaning=_MEANINGS[role],
                mend="Let the worker make one, or see its log for what hinders it.",
            )
