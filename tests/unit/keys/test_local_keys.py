"""Local keys: what lies on the disk, what is refused to be read, and when a key stops signing."""

import os
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from keys.errors import InvalidKey, KeyNotUsable, UnreadableKeyFile, UnsafeKeyFile
from keys.local import LocalKeyProvider
from keys.types import Algorithm, KeyOwner, KeyReference, Kid, ProviderKeyState, PublicJwk

OWNER = KeyOwner(account_id="111122223333", issuer_id="an-issuer")
PASSPHRASE = b"correct horse battery staple"
START = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


class Clock:
    """A clock that moves when it is told to."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "keys"


@pytest.fixture
def open_provider(folder, clock):
    """As another process would: nothing is shared but the folder."""
    return lambda passphrase=PASSPHRASE: LocalKeyProvider(
        folder, passphrase=passphrase, clock=clock
    )


@pytest.fixture
def provider(open_provider):
    return open_provider()


@pytest.fixture
def reference(provider) -> KeyReference:
    return provider.create(owner=OWNER, algorithm=Algorithm.ES256)


@pytest.fixture
def key_file(folder, reference) -> Path:
    return folder / f"{reference.kid}.pem"


def pem(key, encryption) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)


def forged(reference: KeyReference, kid: str) -> KeyReference:
    """A reference as a tampered record would hold it."""
    jwk = reference.public_jwk
    return KeyReference(
        provider="local",
        locator=kid,
        public_jwk=PublicJwk(algorithm=jwk.algorithm, kid=Kid(kid), parameters=jwk.parameters),
    )


def test_a_key_lies_encrypted_and_for_its_owner_alone(folder, key_file):
    """One file of mode 0600 in a folder of 0700: PKCS#8, encrypted, with the owner's ids above."""
    content = key_file.read_bytes()

    assert os.listdir(folder) == [key_file.name]
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(key_file.stat().st_mode) == 0o600
    assert content.splitlines()[:2] == [
        b'{"account_id": "111122223333", "issuer_id": "an-issuer"}',
        b"-----BEGIN ENCRYPTED PRIVATE KEY-----",
    ]


def test_a_restarted_process_signs_with_the_same_key(open_provider, reference):
    """The file and the passphrase are all there is to it."""
    assert open_provider().signer(reference).kid == reference.kid


def test_another_passphrase_opens_nothing(open_provider, reference):
    """The error says what to look at, and neither passphrase nor path."""
    with pytest.raises(UnreadableKeyFile, match="another passphrase, or it is damaged") as raised:
        open_provider(b"wrong").signer(reference)

    assert "wrong" not in str(raised.value)


def test_an_empty_passphrase_is_refused(open_provider):
    """Keys at rest are encrypted, always."""
    with pytest.raises(ValueError, match="passphrase"):
        open_provider(b"")


@pytest.mark.parametrize("position", [60, 100, 200, 300, -50])
def test_a_damaged_file_is_refused(open_provider, reference, key_file, position):
    """One changed letter, wherever it is, never yields a key that signs."""
    content = bytearray(key_file.read_bytes())
    content[position] = ord("A") if content[position] != ord("A") else ord("B")
    key_file.write_bytes(content)

    with pytest.raises((UnreadableKeyFile, InvalidKey)):
        open_provider().signer(reference)


def test_an_unencrypted_key_is_refused(open_provider, reference, key_file):
    """Somebody put a plain PEM in the place of the key."""
    key_file.write_bytes(pem(ec.generate_private_key(ec.SECP256R1()), NoEncryption()))

    with pytest.raises(UnsafeKeyFile, match="not encrypted"):
        open_provider().signer(reference)


def test_the_key_of_another_account_in_this_ones_place_is_refused(
    open_provider, provider, reference, key_file, folder
):
    """One account, one key: a swapped file is found out by the thumbprint in its name."""
    other = provider.create(owner=OWNER, algorithm=Algorithm.ES256)
    os.replace(folder / f"{other.kid}.pem", key_file)

    with pytest.raises(InvalidKey, match="another key than its name says"):
        open_provider().signer(reference)


@pytest.mark.parametrize(
    "key",
    [ec.generate_private_key(ec.SECP384R1()), ed25519.Ed25519PrivateKey.generate()],
    ids=["P-384", "Ed25519"],
)
def test_a_key_of_another_kind_is_refused(open_provider, reference, key_file, key):
    """Encrypted under the right passphrase, and still nothing that the broker signs with."""
    key_file.write_bytes(pem(key, BestAvailableEncryption(PASSPHRASE)))

    with pytest.raises(InvalidKey, match=r"P-256|neither an EC nor an RSA key"):
        open_provider().signer(reference)


@pytest.mark.parametrize(
    "kid",
    [
        "",
        ".",
        "..",
        "../../../../../../../../../../../etc/passwd",
        "/etc/passwd",
        "../" + "a" * 40,
        "a" * 42,
        "a" * 44,
        "a" * 42 + "\n",
        "a" * 42 + "\x00",
        "a" * 42 + "*",
        "a" * 42 + "é",
    ],
)
def test_no_forged_name_leads_out_of_the_folder(provider, reference, kid):
    """Every method refuses a name that is no thumbprint, before it touches the disk."""
    evil = forged(reference, kid)

    for use in (
        provider.signer,
        provider.describe,
        provider.disable,
        lambda ref: provider.schedule_deletion(ref, days=7),
    ):
        with pytest.raises(InvalidKey, match="thumbprint"):
            use(evil)


def test_a_locator_that_is_not_the_kid_is_refused(provider, reference):
    """A record of account A whose locator was set to the key of account B."""
    other = provider.create(owner=OWNER, algorithm=Algorithm.ES256)
    mixed = KeyReference("local", other.locator, reference.public_jwk)

    with pytest.raises(InvalidKey, match="not that of a local key"):
        provider.signer(mixed)


def test_a_disabled_key_stops_in_every_process_at_once(open_provider, provider, reference):
    """A signer in hand, with its key decrypted in memory, refuses as soon as another disables."""
    signer = provider.signer(reference)
    signer.sign(b"before")

    open_provider().disable(reference)

    with pytest.raises(KeyNotUsable):
        signer.sign(b"after")
    with pytest.raises(KeyNotUsable):
        open_provider().signer(reference)


def test_a_key_scheduled_for_deletion_stops_at_once(provider, reference):
    """As KMS does: the waiting time is for regret, not for signing."""
    signer = provider.signer(reference)

    provider.schedule_deletion(reference, days=7)

    with pytest.raises(KeyNotUsable):
        signer.sign(b"after")


def test_a_key_is_destroyed_when_it_is_due_and_not_before(provider, reference, clock, folder):
    """One second early it is still there; then the file is gone, and saying so is no error."""
    provider.schedule_deletion(reference, days=7)

    clock.now = START + timedelta(days=7, seconds=-1)
    assert provider.describe(reference) is ProviderKeyState.PENDING_DELETION
    clock.now = START + timedelta(days=7)
    assert provider.describe(reference) is ProviderKeyState.MISSING

    assert os.listdir(folder) == []


def test_the_next_new_key_sweeps_what_is_due(provider, reference, clock, folder):
    """A key that nobody asks about any more is destroyed all the same."""
    provider.schedule_deletion(reference, days=7)
    clock.now = START + timedelta(days=8)

    provider.create(owner=OWNER, algorithm=Algorithm.ES256)

    assert not [name for name in os.listdir(folder) if name.startswith(reference.kid)]


def test_scheduling_again_keeps_the_first_date(provider, reference, clock):
    """A step that is repeated does not put the deletion off."""
    provider.schedule_deletion(reference, days=7)
    clock.now = START + timedelta(days=6)
    provider.schedule_deletion(reference, days=30)
    clock.now = START + timedelta(days=7)

    assert provider.describe(reference) is ProviderKeyState.MISSING


def test_the_end_of_a_key_that_is_gone_is_no_error(provider, reference, key_file):
    """Removal resumes after a crash, or after somebody emptied the folder."""
    key_file.unlink()

    provider.disable(reference)
    provider.schedule_deletion(reference, days=7)

    assert provider.describe(reference) is ProviderKeyState.MISSING


def test_a_key_is_decrypted_once(provider, reference):
    """The cost of decryption is paid at the first use; the cache serves the rest."""
    first = provider.signer(reference)

    assert provider.signer(reference) is first


def test_the_cache_of_decrypted_keys_is_bounded(folder, clock):
    """The key that was used longest ago has to be decrypted again."""
    provider = LocalKeyProvider(folder, passphrase=PASSPHRASE, clock=clock, cached_signers=1)
    first, second = (provider.create(owner=OWNER, algorithm=Algorithm.ES256) for _ in range(2))
    signer = provider.signer(first)

    provider.signer(second)

    assert provider.signer(first) is not signer


def test_nothing_secret_prints(provider, reference):
    """Neither the provider's nor the signer's text holds passphrase or key."""
    printed = f"{provider!r} {provider.signer(reference)!r}"

    assert PASSPHRASE.decode() not in printed
    assert "PrivateKey" not in printed
    assert "function" not in printed
