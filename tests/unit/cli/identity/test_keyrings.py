"""Which keyring is one: not those that forget, refuse, or write to a plain file."""

from __future__ import annotations

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.backends import chainer, fail, null
from keyring.errors import KeyringLocked, PasswordDeleteError

from broker.cli.identity.keyrings import SERVICE, KeyringUnusable, system_keyring


class Remembering(KeyringBackend):
    """A backend like any other."""

    priority = 1.0

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        if self.kept.pop((service, username), None) is None:
            raise PasswordDeleteError


class Locked(Remembering):
    """One whose owner has closed the prompt."""

    def get_password(self, *_: str) -> str | None:
        raise KeyringLocked

    def set_password(self, *_: str) -> None:
        raise KeyringLocked

    def delete_password(self, *_: str) -> None:
        raise KeyringLocked


class Plain(Remembering):
    """Stands for those of the package `keyrings.alt`, which write to plain files."""


Plain.__module__ = "keyrings.alt.file"


def prefer(monkeypatch: pytest.MonkeyPatch, backend: KeyringBackend) -> None:
    """Let this be the machine's."""
    monkeypatch.setattr(keyring, "get_keyring", lambda: backend)


def test_a_backend_that_keeps_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is used under a name of ours, and forgets what it is told to, again and again."""
    backend = Remembering()
    prefer(monkeypatch, backend)
    found = system_keyring()
    assert found is not None
    assert found.get("https://broker.example") is None
    found.set("https://broker.example", "secret")
    assert backend.kept == {(SERVICE, "https://broker.example"): "secret"}
    assert found.get("https://broker.example") == "secret"
    found.remove("https://broker.example")
    found.remove("https://broker.example")
    assert backend.kept == {}


@pytest.mark.parametrize("backend", [fail.Keyring, null.Keyring, Plain])
def test_what_is_no_keyring(monkeypatch: pytest.MonkeyPatch, backend: type[KeyringBackend]) -> None:
    """Our own file is better than these."""
    prefer(monkeypatch, backend())
    assert system_keyring() is None


def test_of_several_the_first_that_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """The library chains what there is; a plain file in front does not count."""
    good = Remembering()
    chain = chainer.ChainerBackend()
    monkeypatch.setattr(chainer.ChainerBackend, "backends", [Plain(), good])
    prefer(monkeypatch, chain)
    found = system_keyring()
    assert found is not None
    found.set("name", "secret")
    assert good.kept == {(SERVICE, "name"): "secret"}
    monkeypatch.setattr(chainer.ChainerBackend, "backends", [Plain()])
    assert system_keyring() is None


def test_a_locked_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """One error for all that can go wrong in there."""
    prefer(monkeypatch, Locked())
    found = system_keyring()
    assert found is not None
    for use in (lambda: found.get("x"), lambda: found.set("x", "y"), lambda: found.remove("x")):
        with pytest.raises(KeyringUnusable):
            use()
