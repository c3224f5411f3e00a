"""Changing the file of profiles: comments, order and what else stands there are kept."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from pathlib import Path

import click
import tomlkit
from tomlkit.container import OutOfOrderTableProxy
from tomlkit.items import Table

from broker.cli.failures import CommandMisused
from broker.cli.identity.profiles_file import parsed_profiles, text_of

_TABLE = "profiles"
_DEFAULT = "default_profile"


def set_profile(
    file: Path, name: str, said: Mapping[str, str | int | None], *, as_default: bool
) -> None:
    """Say `said` in the profile, which is made if need be; None takes a key away.

    Raises CommandMisused where the file would not be good then; it stays as it was.
    """
    document = _read(file)
    profiles = document.get(_TABLE)
    if profiles is None:
        profiles = document[_TABLE] = tomlkit.table(is_super_table=True)
    if name not in profiles:
        profiles[name] = tomlkit.table()
    profile = profiles[name]
    for key, value in said.items():
        if value is not None:
            profile[key] = value
        elif key in profile:
            del profile[key]
    if as_default:
        _make_default(document, name)
    _write(file, document)


def remove_profile(file: Path, name: str) -> bool:
    """Take the profile away; whether it was the default one, which then is none."""
    document = _read(file)
    profiles = document.get(_TABLE)
    if not isinstance(profiles, Table | OutOfOrderTableProxy) or name not in profiles:
        raise click.UsageError(f"There is no profile {name!r} in {file}.")
    del profiles[name]
    was_default = document.get(_DEFAULT) == name
    if was_default:
        del document[_DEFAULT]
    _write(file, document)
    return was_default


def _read(file: Path) -> tomlkit.TOMLDocument:
    text = text_of(file) or ""
    parsed_profiles(text, file)
    return tomlkit.parse(text)


def _make_default(document: tomlkit.TOMLDocument, name: str) -> None:
    if _DEFAULT in document:
        document[_DEFAULT] = name
        return
    # What stands behind a table's heading belongs to that table.
    text = tomlkit.dumps(document)
    document.clear()
    document.update(tomlkit.parse(f'{_DEFAULT} = "{name}"\n\n{text}'))


def _write(file: Path, document: tomlkit.TOMLDocument) -> None:
    """Replace the file as a whole, where a link leads to it too; its mode stays."""
    text = tomlkit.dumps(document)
    parsed_profiles(text, file)
    target = Path(os.path.realpath(file))
    try:
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        mode = target.stat().st_mode & 0o777 if target.exists() else 0o600
        new = target.with_name(f".{target.name}.{secrets.token_hex(8)}")
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w") as opened:
            opened.write(text)
            opened.flush()
            os.fsync(opened.fileno())
        new.replace(target)
    except OSError as e:
        raise CommandMisused(f"{file} cannot be written: {e.strerror}.") from e
