"""What the shell offers of profiles. Nothing here fails: whoever presses Tab wants no error."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import click
from click.shell_completion import CompletionItem

from broker.cli.places import profiles_file
from broker.cli.profiles.file import Profile, Profiles, read_profiles


def complete_profile(
    ctx: click.Context, param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """The names in the file."""
    del ctx, param
    named = profiles_at_hand().profiles.items()
    return offered([CompletionItem(name, help=profile.url) for name, profile in named], incomplete)


def of_profiles(usual: Callable[[Profile], str | None]) -> list[CompletionItem]:
    """What profiles name as `usual`, and which."""
    named = [(name, usual(each)) for name, each in profiles_at_hand().profiles.items()]
    return [
        CompletionItem(value, help=f"of profile {name}")
        for name, value in named
        if value is not None
    ]


def profiles_at_hand() -> Profiles:
    """Those of the file; none where it cannot be read."""
    try:
        return read_profiles(profiles_file())
    except click.ClickException:
        return Profiles()


def offered(found: Sequence[CompletionItem], incomplete: str) -> list[CompletionItem]:
    """Each once, those that begin as typed."""
    by_value = {item.value: item for item in reversed(found)}
    return [item for value, item in reversed(by_value.items()) if value.startswith(incomplete)]
