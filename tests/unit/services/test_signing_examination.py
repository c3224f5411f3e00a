"""Whether keys can sign, and as what is published: real keys in files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from broker.domain.diagnosis import Check, CheckStatus
from broker.services.ambient import Entropy
from broker.services.diagnosis.signing import SigningExamination
from keys.errors import KeyUnavailable, ProviderRefused
from keys.local import LocalKeyProvider
from keys.rotation import Records, activate, stage
from keys.types import Algorithm, KeyOwner, KeyState
from tests.unit.domain.making import ACCOUNT, NOW, account

OWNER = KeyOwner(account_id=ACCOUNT, issuer_id="a" * 32)
OK, FAILED, NOT_RUN = CheckStatus.OK, CheckStatus.FAILED, CheckStatus.NOT_RUN


@pytest.fixture
def provider(tmp_path: Path) -> LocalKeyProvider:
    return LocalKeyProvider(tmp_path / "keys", passphrase=b"p" * 16, clock=lambda: NOW)


@pytest.fixture
def keys(provider: LocalKeyProvider) -> Records:
    """One that signs, of an elliptic curve; the staged one is RSA."""
    signing = provider.create(owner=OWNER, algorithm=Algorithm.ES256)
    staged = provider.create(owner=OWNER, algorithm=Algorithm.RS256)
    return stage(
        activate(stage((), signing, now=NOW), signing.kid, now=NOW),
        staged,
        now=NOW,
    )


def examination(provider: object, name: str = "local") -> SigningExamination:
    """An examination with this provider alone."""
    return SigningExamination(key_providers={name: provider}, entropy=Entropy())


def found(checks: object) -> dict[str, tuple[CheckStatus, str]]:
    """How each check ended."""
    listed: list[Check] = list(checks)
    assert all(check.mend for check in listed if check.status is not OK)
    return {check.name: (check.status, check.found) for check in listed}


def test_keys_that_sign(provider: LocalKeyProvider, keys: Records) -> None:
    """Both, whatever their algorithm; the signatures are verified with what is published."""
    made = found(examination(provider).usable(account(keys=keys)))
    assert {name: status for name, (status, _) in made.items()} == {
        "active key": OK,
        "staged key": OK,
    }


def test_a_disabled_key(provider: LocalKeyProvider, keys: Records) -> None:
    """Named by what the provider says of it; also where nothing is to be signed."""
    provider.disable(keys[1].reference)
    for ask in (examination(provider).usable, examination(provider).described):
        made = found(ask(account(keys=keys)))
        assert made["active key"][0] is OK
        assert made["staged key"] == (FAILED, "The key provider says that it is disabled.")


def test_a_key_that_signs_as_another(provider: LocalKeyProvider, keys: Records) -> None:
    """What is published verifies nothing of what it signs, so AWS would refuse every token."""
    other = provider.create(owner=OWNER, algorithm=Algorithm.ES256)

    class Mistaken:
        describe = staticmethod(provider.describe)

        def signer(self, _: object) -> object:
            return provider.signer(other)

    made = found(examination(Mistaken()).usable(account(keys=keys[:1])))
    assert made["active key"] == (FAILED, "It signs, but not as the key that is published.")
    assert made["staged key"] == (FAILED, "There is none.")


def raising(error: Exception) -> Callable[[object], object]:
    """A provider's method that fails."""

    def method(_: object) -> object:
        raise error

    return method


@pytest.mark.parametrize(
    ("error", "status", "sentence"),
    [
        (KeyUnavailable("KMS throttles"), NOT_RUN, "The key provider does not answer."),
        (ProviderRefused("KMS refuses to sign"), FAILED, "It cannot be used: KMS refuses to sign."),
    ],
)
def test_a_provider_that_fails(
    provider: LocalKeyProvider,
    keys: Records,
    error: Exception,
    status: CheckStatus,
    sentence: str,
) -> None:
    """A permission that is missing is a finding; an outage is not."""

    class Failing:
        describe = staticmethod(provider.describe)
        signer = staticmethod(raising(error))

    made = found(examination(Failing()).usable(account(keys=keys)))
    assert set(made.values()) == {(status, sentence)}
    described = found(examination(Failing()).described(account(keys=keys)))
    assert {each for each, _ in described.values()} == {OK}


def test_a_provider_that_is_not_configured(provider: LocalKeyProvider, keys: Records) -> None:
    """Keys stay where they were made when the setting changes."""
    made = found(examination(provider, name="kms").usable(account(keys=keys)))
    assert {status for status, _ in made.values()} == {FAILED}
    assert "BROKER_KEY_PROVIDER" in made["active key"][1]


def test_retiring_keys_need_not_sign(provider: LocalKeyProvider, keys: Records) -> None:
    """They only have to be published."""
    old = provider.create(owner=OWNER, algorithm=Algorithm.ES256)
    retiring = replace(keys[0], reference=old, state=KeyState.RETIRING)
    provider.disable(old)
    made = found(examination(provider).usable(account(keys=(*keys, retiring))))
    assert {status for status, _ in made.values()} == {OK}
