"""Profiles: which broker, and what is usually asked of it, by name in one TOML file."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import click
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)

from broker.cli.addresses import AddressRefused, broker_url
from broker.cli.failures import CommandMisused
from broker.cli.places import KeyringUse
from broker.domain.grants import Access
from broker.domain.identifiers import AccountId, TicketId

_SECRET_KEYS = re.compile(r"(?i).*(token|secret|password|credential).*")
_NO_SECRETS = (
    "does not belong in this file, which is backed up and shown around: run `broker login`, or set "
    "BROKER_TOKEN where it is needed"
)

ProfileName = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$", strict=True)
]


def _an_address(value: str) -> str:
    try:
        return broker_url(value)
    except AddressRefused as e:
        raise ValueError(str(e)) from e


class _Checked(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    @model_validator(mode="before")
    @classmethod
    def _no_secrets(cls, value: Any) -> Any:
        for key in value if isinstance(value, Mapping) else ():
            if isinstance(key, str) and _SECRET_KEYS.fullmatch(key):
                raise ValueError(f"{key!r} {_NO_SECRETS}")
        return value


class Profile(_Checked):
    """What one profile says; everything may be said on the command line instead."""

    url: Annotated[str, AfterValidator(_an_address)]
    account: AccountId | None = None
    ticket: TicketId | None = None
    access: Access | None = None
    duration: Annotated[int, Field(ge=900, strict=True)] | None = None
    region: Annotated[str, StringConstraints(pattern=r"^[a-z]{2}(-[a-z0-9]+)+$")] | None = None
    keyring: KeyringUse | None = None


class Profiles(_Checked):
    """The whole file."""

    default_profile: ProfileName | None = None
    profiles: dict[ProfileName, Profile] = {}

    @model_validator(mode="after")
    def _default_is_there(self) -> Profiles:
        if self.default_profile is not None and self.default_profile not in self.profiles:
            raise ValueError(f"default_profile names {self.default_profile!r}, which is not there")
        return self


def read_profiles(file: Path) -> Profiles:
    """What is in the file; no file is an empty one. Raises CommandMisused, which names the key."""
    text = text_of(file)
    return Profiles() if text is None else parsed_profiles(text, file)


def text_of(file: Path) -> str | None:
    """The file's text, or None where there is no file. Raises CommandMisused."""
    try:
        return file.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as e:
        what = e.strerror if isinstance(e, OSError) else "it is not UTF-8"
        raise CommandMisused(f"{file} cannot be read: {what}.") from e


def parsed_profiles(text: str, file: Path) -> Profiles:
    """What `text` says. Raises CommandMisused, which names the file, the key and the mend."""
    try:
        return Profiles.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as e:
        raise CommandMisused(f"{file} is no TOML: {e}.") from e
    except ValidationError as e:
        raise CommandMisused(f"{file}: {_first_fault(e)}") from None


def _first_fault(error: ValidationError) -> str:
    """Where and what, without what stood there."""
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        known = ", ".join(Profile.model_fields if "." in where else Profiles.model_fields)
        return f"{where} is no key that is known here. Those are: {known}."
    if first["type"] == "missing":
        return f"{where} is missing. Add it, or run `broker profiles set`."
    rule = first["msg"].removeprefix("Value error, ")
    return f"{where}: {rule}." if where else f"{rule}."


def chosen(profiles: Profiles, name: str | None, file: Path) -> tuple[str, Profile] | None:
    """The profile of that name, else the default one, else none.

    Raises UsageError for a name that is not there.
    """
    name = name or profiles.default_profile
    if name is None:
        return None
    profile = profiles.profiles.get(name)
    if profile is None:
        known = ", ".join(profiles.profiles) or "none so far"
        raise click.UsageError(f"There is no profile {name!r} in {file}. Known: {known}.")
    return name, profile
