"""Where the command keeps what is its user's: file of profiles, folder of its state, keyring."""

from __future__ import annotations

import os
from enum import Enum
from pathlib import Path

import click

_APPLICATION = "broker"


class KeyringUse(Enum):
    """Whether the keyring is asked at all."""

    WHERE_THERE_IS_ONE = "on"
    NEVER = "off"


def profiles_file() -> Path:
    """BROKER_CONFIG, or `config.toml` in the user's folder of settings."""
    named = os.environ.get("BROKER_CONFIG")
    return Path(named) if named else Path(click.get_app_dir(_APPLICATION)) / "config.toml"


def state_folder() -> Path:
    """As the XDG Base Directory Specification has it: what is relative there does not count."""
    named = Path(os.environ.get("XDG_STATE_HOME", ""))
    base = named if named.is_absolute() else Path.home() / ".local" / "state"
    return base / _APPLICATION
