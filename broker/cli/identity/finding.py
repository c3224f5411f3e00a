"""Whom a command asks, and as whom: flag, then environment, then profile, then what is kept."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol, TypeVar

import click
from click.core import ParameterSource

from broker.cli.addresses import AddressRefused, broker_url
from broker.cli.failures import CommandRefused
from broker.cli.identity.kept import KeptSignIn, KeptSignIns, Place
from broker.cli.identity.private_folder import PrivateFolder
from broker.cli.places import KeyringUse, profiles_file, state_folder
from broker.cli.profiles.file import Profile, chosen, read_profiles
from broker.cli.profiles.offered import complete_profile
from broker.services.ambient import utc_now

Command = TypeVar("Command", bound=Callable[..., Any])

_FLAG = "--profile"
_NAMED = "broker.cli.identity.profile_name"
_CHOSEN = "broker.cli.identity.profile"

_USUAL = ("account", "ticket", "access", "duration", "region")
_TAKE_WHAT_IS_USUAL = ("get", "exec", "console", "configure", "requests create")
"""Commands for which a profile fills in what is usual. Not those that end, remove or list
something: there nobody should have to remember what stands in a file."""


class Source(StrEnum):
    """Where a credential comes from, in words for people."""

    OPTION = "--token"
    ENVIRONMENT = "BROKER_TOKEN"
    KEYRING = "the sign-in in your keyring"
    FILE = "the sign-in in a file of yours"


class Bearer(Protocol):
    """Somebody's credential for one broker, as it is when it is asked for."""

    @property
    def source(self) -> Source:
        """Where it comes from."""
        ...

    def text(self) -> str:
        """What to send. Raises UsageError where there is none, CommandFailed where it is over."""
        ...


@dataclass(frozen=True, slots=True)
class Typed:
    """What was typed, or stands in the environment."""

    source: Source
    _text: str = field(repr=False)

    def text(self) -> str:
        """See Bearer."""
        return self._text


@dataclass(frozen=True, slots=True)
class SignedIn:
    """The sign-in that is kept, renewed when it is about to end. Threads may share it."""

    url: str
    kept: KeptSignIns = field(repr=False)

    @property
    def source(self) -> Source:
        """See Bearer."""
        return Source.KEYRING if self.kept.place(self.url) is Place.KEYRING else Source.FILE

    def text(self) -> str:
        """See Bearer."""
        sign_in = self.kept.find(self.url)
        if sign_in is None:
            raise click.UsageError(
                f"Nothing says who you are at {self.url}: run `broker login`, or set BROKER_TOKEN."
            )
        if not sign_in.lasts(utc_now()):
            sign_in = _renewed(self.kept, self.url, sign_in)
        return sign_in.identity_token


@dataclass(frozen=True, slots=True)
class ChosenProfile:
    """The profile that holds for this command."""

    name: str
    profile: Profile


def takes_a_profile(command: Command) -> Command:
    """Let a profile fill in what neither the command line nor the environment says.

    Where the command has a `--profile` of its own, it is `--broker-profile`.
    """
    taken = {flag for option in getattr(command, "__click_params__", ()) for flag in option.opts}
    return click.option(
        "--broker-profile" if _FLAG in taken else _FLAG,
        "broker_profile",
        envvar="BROKER_PROFILE",
        show_envvar=True,
        is_eager=True,
        expose_value=False,
        callback=_choose,
        shell_complete=complete_profile,
        help="Which profile of your file (`broker profiles`) says what is not said here.",
    )(command)


def chosen_profile() -> ChosenProfile | None:
    """The profile of the command that runs."""
    found: ChosenProfile | None = click.get_current_context().meta.get(_CHOSEN)
    return found


def named_profile(ctx: click.Context) -> str | None:
    """The name that was said for it, whether there is such a profile or not."""
    name: str | None = ctx.meta.get(_NAMED)
    return name


def named_broker(url: str | None) -> str:
    """The broker's URL, of all that was said. Raises UsageError, which says what is missing."""
    if not url:
        raise click.UsageError(
            "No broker is named: set BROKER_URL, or say --url, or add a profile with "
            "`broker profiles set`."
        )
    try:
        named = broker_url(url)
    except AddressRefused as e:
        shown = "The URL" if "@" in url else repr(url)
        raise click.UsageError(f"{shown} {e}. Is BROKER_URL right?") from e
    _require_one_answer(named)
    return named


def bearer_for(url: str, typed: str | None) -> Bearer:
    """As whom the broker at `url` is asked: as typed or set, else by the sign-in that is kept."""
    if not typed:
        return SignedIn(url, my_sign_ins())
    source = click.get_current_context().get_parameter_source("credential")
    typed_here = source is ParameterSource.COMMANDLINE
    return Typed(Source.OPTION if typed_here else Source.ENVIRONMENT, typed)


def my_sign_ins() -> KeptSignIns:
    """Those that the command which runs goes by."""
    picked = chosen_profile()
    return kept_sign_ins(None if picked is None else picked.profile)


def kept_sign_ins(profile: Profile | None) -> KeptSignIns:
    """This user's sign-ins, with or without the keyring as environment and profile say."""
    return KeptSignIns(PrivateFolder(state_folder() / "sign-ins"), _keyring_use(profile))


def _renewed(kept: KeptSignIns, url: str, old: KeptSignIn) -> KeptSignIn:
    # Most commands find a sign-in that lasts, and need none of what this loads.
    from broker.cli.identity.provider import told  # noqa: PLC0415
    from broker.cli.identity.renewing import renewed  # noqa: PLC0415

    with told(old.issuer):
        sign_in = renewed(kept, url, utc_now())
    if sign_in is None:
        raise CommandRefused(
            f"Your sign-in to {url} is over. Run `broker login` again.", code="sign_in_over"
        )
    return sign_in


def _keyring_use(profile: Profile | None) -> KeyringUse:
    said = os.environ.get("BROKER_KEYRING")
    if said is None:
        of_profile = profile.keyring if profile is not None else None
        return of_profile or KeyringUse.WHERE_THERE_IS_ONE
    try:
        return KeyringUse(said)
    except ValueError as e:
        raise click.UsageError(f"BROKER_KEYRING must be on or off, not {said!r}.") from e


def _choose(ctx: click.Context, param: click.Parameter, name: str | None) -> None:
    del param
    ctx.meta[_NAMED] = name
    # While the shell completes, nothing is looked up that could fail.
    if ctx.resilient_parsing:
        return
    file = profiles_file()
    picked = chosen(read_profiles(file), name, file)
    if picked is None:
        return
    ctx.meta[_CHOSEN] = ChosenProfile(*picked)
    ctx.default_map = {**(ctx.default_map or {}), **_defaults(picked[1], ctx)}


def _defaults(profile: Profile, ctx: click.Context) -> Mapping[str, object]:
    said: dict[str, object] = {"url": profile.url}
    command = ctx.command_path.partition(" ")[2]
    if command in _TAKE_WHAT_IS_USUAL:
        usual = profile.model_dump(include=set(_USUAL), exclude_none=True, mode="json")
        said |= usual
    return said


def _require_one_answer(url: str) -> None:
    """Refuse a profile on the command line beside another broker in the environment.

    By rank the environment would win, against what was just typed; and its token belongs to its
    own broker.
    """
    ctx, picked = click.get_current_context(), chosen_profile()
    typed = ctx.get_parameter_source("broker_profile") is ParameterSource.COMMANDLINE
    from_environment = ctx.get_parameter_source("url") is ParameterSource.ENVIRONMENT
    if picked is not None and typed and from_environment and picked.profile.url != url:
        raise click.UsageError(
            f"BROKER_URL and the profile {picked.name!r} name different brokers. Unset BROKER_URL, "
            "or say --url."
        )
