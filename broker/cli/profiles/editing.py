"""Changing the file of profiles: comments, order and what else stands there are kept."""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
import tomlkit

from broker.cli.failures import CommandMisused
from broker.cli.profiles.file import parsed_profiles, text_of

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
    if "url" not in profile:
        raise CommandMisused(f"Profile {name} would name no broker: say --url too.")
    if as_default:
        document[_DEFAULT] = name
    _write(file, document)


def remove_profile(file: Path, name: str) -> bool:
    """Take the profile away; whether it was the default one, which then is none."""
    document = _read(file)
    if name not in document.get(_TABLE, {}):
        raise click.UsageError(f"There is no profile {name!r} in {file}.")
    text = tomlkit.dumps(document)
    del document[_TABLE][name]
    document = _cut_out(text, name, document.unwrap()) or document
    was_default = document.get(_DEFAULT) == name
    if was_default:
        del document[_DEFAULT]
    _write(file, document)
    return was_default


def _read(file: Path) -> tomlkit.TOMLDocument:
    text = text_of(file) or ""
    parsed_profiles(text, file)
    return tomlkit.parse(text)


def _cut_out(text: str, name: str, left: Mapping[str, Any]) -> tomlkit.TOMLDocument | None:
    """`text` without the profile's lines, or None where they are not simply those of its table.

    To a parser, a comment above the next heading belongs to this table; to people it does not.
    `left` is what must be left.
    """
    lines = text.splitlines(keepends=True)
    heading = re.compile(rf"\s*\[\s*{_TABLE}\s*\.\s*([\"']?){re.escape(name)}\1\s*\]\s*(#.*)?")
    found = [number for number, line in enumerate(lines) if heading.fullmatch(line.rstrip("\n"))]
    if len(found) != 1:
        return None
    start, end = found[0], found[0] + 1
    while end < len(lines) and not lines[end].lstrip().startswith("["):
        end += 1
    while end < len(lines) and lines[end - 1].lstrip().startswith("#"):
        end -= 1
    cut = tomlkit.parse("".join(lines[:start] + lines[end:]))
    wanted = {key: value for key, value in left.items() if key != _TABLE or value}
    return cut if cut.unwrap() == wanted else None


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
