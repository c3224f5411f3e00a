"""The operating system's keyring, where there is one that keeps secrets from others.

The library is loaded when a keyring is opened: most commands have their sign-in elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from keyring.backend import KeyringBackend

SERVICE = "support-access-broker"

_NO_KEYRINGS = ("keyring.backends.fail", "keyring.backends.null", "keyrings.alt")
"""They refuse, forget, or write to a plain file: our own file is better, and says what it is."""


class KeyringUnusable(Exception):
    """The keyring is there and does not do what it is asked: locked, say, or its prompt closed."""


class Keyring:
    """Secrets of this program by name, in one backend of the library `keyring`."""

    def __init__(self, backend: KeyringBackend) -> None:
        self._backend = backend

    @property
    def name(self) -> str:
        """What it calls itself, for people."""
        return str(self._backend.name)

    def get(self, name: str) -> str | None:
        """The secret, or None. Raises KeyringUnusable, as all here."""
        with _usable():
            return self._backend.get_password(SERVICE, name)

    def set(self, name: str, secret: str) -> None:
        """Keep it."""
        with _usable():
            self._backend.set_password(SERVICE, name, secret)

    def remove(self, name: str) -> None:
        """Forget it, if it is there."""
        from keyring.errors import PasswordDeleteError  # noqa: PLC0415

        with _usable(), suppress(PasswordDeleteError):
            self._backend.delete_password(SERVICE, name)


def system_keyring() -> Keyring | None:
    """The one that this machine prefers; None where there is none that keeps a secret."""
    import keyring  # noqa: PLC0415
    from keyring.backends.chainer import ChainerBackend  # noqa: PLC0415

    preferred = keyring.get_keyring()
    chained = preferred.backends if isinstance(preferred, ChainerBackend) else [preferred]
    for backend in chained:
        if not type(backend).__module__.startswith(_NO_KEYRINGS):
            return Keyring(backend)
    return None


@contextmanager
def _usable() -> Iterator[None]:
    from keyring.errors import KeyringError  # noqa: PLC0415

    # Besides the library's own errors backends let those of D-Bus and of the system through.
    try:
        yield
    except (KeyringError, OSError, RuntimeError, ValueError) as e:
        raise KeyringUnusable(type(e).__name__) from e
