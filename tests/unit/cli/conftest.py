"""Commands in this process do not look into the home of whoever runs the tests."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def nobodys_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No profiles, no sign-ins, nothing said in the environment."""
    for name in ("BROKER_URL", "BROKER_TOKEN", "BROKER_PROFILE", "BROKER_KEYRING"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("BROKER_CONFIG", str(tmp_path / "no-config.toml"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "no-state"))
