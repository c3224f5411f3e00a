"""What is kept of sign-ins: in the keyring or in a file, never in both, and never shown."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from broker.cli.failures import CommandMisused
from broker.cli.identity.kept import KeptSignIn, KeptSignIns, Place
from broker.cli.identity.keyrings import Keyring
from broker.cli.identity.private_folder import PrivateFolder
from broker.cli.places import KeyringUse
from tests.unit.cli.identity.test_keyrings import Locked, Remembering

URL = "https://broker.example"
NOW = datetime(2026, 1, 1, tzinfo=UTC)
SIGN_IN = KeptSignIn(
    issuer="https://id.example",
    client_id="broker-cli",
    scope="openid email",
    provider_subject="jane",
    identity_token="eyJ.the-id-token",
    expires_at=NOW + timedelta(hours=1),
    refresh_token="the-refresh-token",
)


class Forgetful(Remembering):
    """Says yes, and keeps a part: some have a limit."""

    def set_password(self, service: str, username: str, password: str) -> None:
        super().set_password(service, username, password[:50])


def sign_ins(
    folder: Path, backend: Remembering | None, use: KeyringUse = KeyringUse.WHERE_THERE_IS_ONE
) -> KeptSignIns:
    """Those in a folder, beside this keyring."""
    keyring = None if backend is None else Keyring(backend)
    return KeptSignIns(PrivateFolder(folder), use, open_keyring=lambda: keyring)


def written(folder: Path) -> str:
    """Everything in its files."""
    return "".join(file.read_text() for file in folder.glob("*.json"))


def test_in_the_keyring(tmp_path: Path) -> None:
    """The file says only that it is there."""
    backend = Remembering()
    kept = sign_ins(tmp_path, backend)
    assert kept.keep(URL, SIGN_IN) is Place.KEYRING
    assert kept.find(URL) == SIGN_IN
    assert kept.find("https://other.example") is None
    assert "token" not in written(tmp_path).replace("refresh_token", "")
    kept.forget(URL)
    assert backend.kept == {}
    assert not kept.is_there(URL)


@pytest.mark.parametrize("backend", [None, Locked(), Forgetful()])
def test_in_the_file_where_no_keyring_keeps_it(tmp_path: Path, backend: Remembering | None) -> None:
    """Whole, and nothing of it in the keyring."""
    kept = sign_ins(tmp_path, backend)
    assert kept.keep(URL, SIGN_IN) is Place.FILE
    assert kept.find(URL) == SIGN_IN
    assert backend is None or backend.kept == {}


def test_switched_off(tmp_path: Path) -> None:
    """The keyring is not even opened; what is in it counts for nothing, until it is forgotten."""
    backend = Remembering()
    sign_ins(tmp_path, backend).keep(URL, SIGN_IN)
    off = sign_ins(tmp_path, backend, KeyringUse.NEVER)
    assert off.find(URL) is None
    assert len(backend.kept) == 1
    off.forget(URL)
    assert backend.kept == {}
    assert off.keep(URL, SIGN_IN) is Place.FILE
    assert backend.kept == {}


def test_a_locked_keyring_is_told(tmp_path: Path) -> None:
    """Nobody is silently signed out, and the way out is named."""
    sign_ins(tmp_path, Remembering()).keep(URL, SIGN_IN)
    with pytest.raises(CommandMisused, match="BROKER_KEYRING=off"):
        sign_ins(tmp_path, Locked()).find(URL)


@pytest.mark.parametrize(
    "spoilt",
    ["", "{}", "[]", '{"version":2,"url":"x","place":"file"}', '{"sign_in":"eyJ.secret"}', "\x00"],
)
def test_what_cannot_be_read_is_told_and_can_be_forgotten(tmp_path: Path, spoilt: str) -> None:
    """Without repeating what stood there."""
    kept = sign_ins(tmp_path, None)
    kept.keep(URL, SIGN_IN)
    (file,) = tmp_path.glob("*.json")
    file.write_text(spoilt)
    with pytest.raises(CommandMisused, match="broker login") as caught:
        kept.find(URL)
    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is None
    kept.forget(URL)
    assert kept.find(URL) is None


def test_a_file_under_another_brokers_name_is_none(tmp_path: Path) -> None:
    """Somebody who moves files about does not send a token elsewhere."""
    kept = sign_ins(tmp_path, None)
    kept.keep(URL, SIGN_IN)
    (file,) = tmp_path.glob("*.json")
    kept.keep("https://other.example", SIGN_IN)
    (other,) = set(tmp_path.glob("*.json")) - {file}
    file.rename(other)
    assert kept.find("https://other.example") is None


def test_when_it_is_over() -> None:
    """A minute before its end it is renewed, and until then it is good."""
    end = SIGN_IN.expires_at
    assert SIGN_IN.lasts(end - timedelta(seconds=61))
    assert not SIGN_IN.lasts(end - timedelta(seconds=60))
    assert SIGN_IN.good_at(end - timedelta(seconds=1))
    assert not SIGN_IN.good_at(end)


def test_it_does_not_print() -> None:
    """Neither of its tokens, however it is shown."""
    assert "eyJ" not in repr(SIGN_IN) + str(SIGN_IN)
    assert "the-refresh-token" not in repr(SIGN_IN) + str(SIGN_IN)
