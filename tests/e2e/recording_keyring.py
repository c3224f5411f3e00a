"""A keyring for tests, as the library `keyring` loads it: secrets in a file that it is told of."""

from __future__ import annotations

import json
import os
from pathlib import Path

from keyring.backend import KeyringBackend
from keyring.errors import PasswordDeleteError

VARIABLE = "RECORDING_KEYRING"


class RecordingKeyring(KeyringBackend):
    """Whatever the command keeps, a test can read; nothing else of a desktop is needed."""

    priority = 1.0

    def _file(self) -> Path:
        return Path(os.environ[VARIABLE])

    def _kept(self) -> dict[str, str]:
        file = self._file()
        return json.loads(file.read_text()) if file.exists() else {}

    def get_password(self, service: str, username: str) -> str | None:
        """See KeyringBackend."""
        return self._kept().get(f"{service} {username}")

    def set_password(self, service: str, username: str, password: str) -> None:
        """See KeyringBackend."""
        self._file().write_text(json.dumps({**self._kept(), f"{service} {username}": password}))

    def delete_password(self, service: str, username: str) -> None:
        """See KeyringBackend."""
        kept = self._kept()
        if kept.pop(f"{service} {username}", None) is None:
            raise PasswordDeleteError("not there")
        self._file().write_text(json.dumps(kept))
