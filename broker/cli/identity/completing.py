"""What the shell offers behind `--profile`, `--account` and `--ticket`. Nothing here ever fails:
whoever presses Tab wants no error, and no waiting."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import click
import httpx
from click.shell_completion import CompletionItem

from broker import contract
from broker.cli.identity.addresses import AddressRefused, broker_url
from broker.cli.identity.finding import kept_sign_ins, named_profile
from broker.cli.identity.places import profiles_file
from broker.cli.profiles.file import Profiles, chosen, read_profiles
from broker.contract.base import LARGEST_PART
from broker.domain.plain_text import plain
from broker.domain.tickets import TicketStatus
from broker.services.ambient import utc_now

SECONDS = 2.0
"""How long somebody who presses Tab may have to wait."""


def complete_profile(
    ctx: click.Context, param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """The names in the file."""
    del ctx, param
    return _offered(
        [CompletionItem(name, help=profile.url) for name, profile in _profiles().profiles.items()],
        incomplete,
    )


def complete_account(
    ctx: click.Context, param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Accounts of profiles, then those that the broker shows to whoever has signed in."""
    del param
    found = [
        CompletionItem(profile.account, help=f"of profile {name}")
        for name, profile in _profiles().profiles.items()
        if profile.account is not None
    ]
    with _silently():
        page = contract.accounts.AccountPage.model_validate_json(_asked(ctx, "accounts"))
        found += [CompletionItem(each.account_id, help=plain(each.customer)) for each in page.items]
    return _offered(found, incomplete)


def complete_ticket(
    ctx: click.Context, param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Tickets of profiles, then open ones that the broker shows."""
    del param
    found = [
        CompletionItem(profile.ticket, help=f"of profile {name}")
        for name, profile in _profiles().profiles.items()
        if profile.ticket is not None
    ]
    with _silently():
        page = contract.tickets.TicketPage.model_validate_json(_asked(ctx, "tickets"))
        found += [
            CompletionItem(each.id, help=plain(each.subject))
            for each in page.items
            if each.status is TicketStatus.OPEN
        ]
    return _offered(found, incomplete)


def _asked(ctx: click.Context, what: str) -> bytes:
    """The first part of a list, as whoever is signed in; nothing is renewed for this."""
    picked = chosen(_profiles(), named_profile(ctx), profiles_file())
    profile = None if picked is None else picked[1]
    url = broker_url(ctx.params.get("url") or (profile.url if profile is not None else ""))
    credential = ctx.params.get("credential")
    if credential is None:
        sign_in = kept_sign_ins(profile).find(url)
        if sign_in is None or not sign_in.lasts(utc_now()):
            raise LookupError
        credential = sign_in.identity_token
    answer = httpx.get(
        f"{url}/v1/{what}",
        params={"limit": LARGEST_PART},
        headers={"Authorization": f"Bearer {credential}"},
        timeout=SECONDS,
        follow_redirects=False,
        trust_env=url.startswith("https:"),
    )
    return answer.raise_for_status().content


def _profiles() -> Profiles:
    try:
        return read_profiles(profiles_file())
    except click.ClickException:
        return Profiles()


@contextmanager
def _silently() -> Iterator[None]:
    try:
        yield
    except (
        click.ClickException,
        AddressRefused,
        httpx.HTTPError,
        LookupError,
        ValueError,
        OSError,
    ):
        return


def _offered(found: list[CompletionItem], incomplete: str) -> list[CompletionItem]:
    """Each once, those that begin as typed."""
    by_value = {item.value: item for item in reversed(found)}
    return [item for value, item in reversed(by_value.items()) if value.startswith(incomplete)]
