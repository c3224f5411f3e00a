"""What the shell offers behind `--account` and `--ticket`. Nothing here ever fails: whoever presses
Tab wants no error, and no waiting."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import click
import httpx
from click.shell_completion import CompletionItem

from broker import contract
from broker.cli.addresses import AddressRefused, broker_url
from broker.cli.identity.finding import kept_sign_ins, named_profile
from broker.cli.places import profiles_file
from broker.cli.profiles.file import chosen
from broker.cli.profiles.offered import of_profiles, offered, profiles_at_hand
from broker.contract.base import LARGEST_PART
from broker.domain.plain_text import plain
from broker.domain.tickets import TicketStatus
from broker.http.packing import UNPACKED
from broker.http.time_limits import TimeLimit
from broker.services.ambient import utc_now

SECONDS = 2.0
"""How long somebody who presses Tab may have to wait for a connection, and for more to come."""

ALTOGETHER_SECONDS = 4.0
"""For the whole of an answer."""

LARGEST = 4 * 1024 * 1024
"""Bytes of an answer; the largest part of a list has some hundred thousand."""


def complete_account(
    ctx: click.Context, param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Accounts of profiles, then those that the broker shows to whoever has signed in."""
    del param
    found = of_profiles(lambda profile: profile.account)
    with _silently():
        page = contract.accounts.AccountPage.model_validate_json(_asked(ctx, "accounts"))
        found += [CompletionItem(each.account_id, help=plain(each.customer)) for each in page.items]
    return offered(found, incomplete)


def complete_ticket(
    ctx: click.Context, param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Tickets of profiles, then open ones that the broker shows."""
    del param
    found = of_profiles(lambda profile: profile.ticket)
    with _silently():
        page = contract.tickets.TicketPage.model_validate_json(_asked(ctx, "tickets"))
        found += [
            CompletionItem(each.id, help=plain(each.subject))
            for each in page.items
            if each.status is TicketStatus.OPEN
        ]
    return offered(found, incomplete)


def _asked(ctx: click.Context, what: str) -> bytes:
    """The first part of a list, as whoever is signed in; nothing is renewed for this."""
    picked = chosen(profiles_at_hand(), named_profile(ctx), profiles_file())
    profile = None if picked is None else picked[1]
    url = broker_url(ctx.params.get("url") or (profile.url if profile is not None else ""))
    credential = ctx.params.get("credential")
    if credential is None:
        sign_in = kept_sign_ins(profile).find(url)
        if sign_in is None or not sign_in.lasts(utc_now()):
            raise LookupError
        credential = sign_in.identity_token
    with (
        httpx.Client(
            timeout=SECONDS, follow_redirects=False, trust_env=url.startswith("https:")
        ) as client,
        TimeLimit(ALTOGETHER_SECONDS) as limit,
        client.stream(
            "GET",
            f"{url}/v1/{what}",
            params={"limit": LARGEST_PART},
            headers={"Authorization": f"Bearer {credential}", **UNPACKED},
            extensions={"trace": limit.watch},
        ) as answer,
    ):
        return _whole(answer.raise_for_status())


def _whole(answer: httpx.Response) -> bytes:
    """The answer as it comes: nothing is unpacked. Raises LookupError for one that is too large."""
    body = bytearray()
    for piece in answer.iter_raw():
        body += piece
        if len(body) > LARGEST:
            raise LookupError
    return bytes(body)


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
