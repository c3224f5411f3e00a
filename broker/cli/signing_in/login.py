"""`broker login`: sign in at the organisation's provider, and keep that for the next commands."""

from __future__ import annotations

import json
import os
from datetime import UTC
from enum import Enum

import click

from broker.cli.failures import EXIT_CODES, told_by_the_shell
from broker.cli.grammar.lengths import Length
from broker.cli.identity.browser_flow import sign_in_with_browser
from broker.cli.identity.device_flow import browser_is_elsewhere, sign_in_with_device
from broker.cli.identity.finding import my_sign_ins, named_broker, takes_a_profile
from broker.cli.identity.kept import KeptSignIn, KeptSignIns, Place
from broker.cli.identity.provider import SignInClient, told
from broker.client.broker import Broker
from broker.contract.me import SelfAnswer
from broker.domain.identity.openid_provider import TerminalClient
from broker.domain.plain_text import plain

_BROWSER_SECONDS = 180.0
_DEVICE_SECONDS = 1800.0
"""The provider's own limit is shorter."""


class Way(Enum):
    """How somebody signs in."""

    BROWSER = "browser"
    DEVICE = "device"


@click.command(epilog=EXIT_CODES)
@click.option(
    "--browser", "way", flag_value="browser", help="With the browser of this machine, in any case."
)
@click.option(
    "--device",
    "way",
    flag_value="device",
    help="With a code that you enter on another device; so too where there is no browser here.",
)
@click.option("--no-browser", "way", flag_value="device", help="The same.")
@click.option(
    "--timeout",
    type=Length(least=1),
    show_default="3m; with a code, for as long as it is good",
    help="How long to wait for you, as 10m or in seconds.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the answer as JSON.")
@click.option("--url", envvar="BROKER_URL", show_envvar=True, help="The broker.")
@takes_a_profile
def login(*, way: str | None, timeout: int | None, as_json: bool, url: str | None) -> None:
    """Sign in, so that other commands need no BROKER_TOKEN.

    Your browser opens where your organisation signs people in. What comes back is kept in your
    keyring, or where there is none in a file that only you can read.

    \b
      broker login --url https://broker.example.com
      broker login --device        # over ssh: a code to enter elsewhere
    """
    named = named_broker(url)
    chosen = Way(way) if way else (Way.DEVICE if browser_is_elsewhere() else Way.BROWSER)
    with told_by_the_shell(), Broker(named) as nobody_yet:
        told_client = nobody_yet.show_sign_in()
    client = TerminalClient(
        issuer=told_client.issuer, client_id=told_client.client_id, scope=told_client.scope
    )
    with told(client.issuer):
        sign_in = _signed_in(SignInClient.at(client), chosen, timeout)
    # Whom the broker turns away keeps nothing here.
    with told_by_the_shell(), Broker(named, sign_in.identity_token) as broker:
        me = broker.show_self()
    kept = my_sign_ins()
    with kept.locked(named):
        place = kept.keep(named, sign_in)
    if os.environ.get("BROKER_TOKEN"):
        click.echo("BROKER_TOKEN is set, and counts before this sign-in: unset it.", err=True)
    if as_json:
        click.echo(json.dumps(_as_json(named, me, sign_in, place), indent=2))
    else:
        _tell(me, sign_in, _where(kept, named, place))


def _signed_in(client: SignInClient, way: Way, seconds: int | None) -> KeptSignIn:
    if way is Way.DEVICE:
        return sign_in_with_device(client, seconds=seconds or _DEVICE_SECONDS)
    return sign_in_with_browser(client, seconds=seconds or _BROWSER_SECONDS)


def _where(kept: KeptSignIns, url: str, place: Place) -> str:
    if place is Place.KEYRING:
        return f"Kept in your keyring ({kept.keyring_name()})."
    return f"Kept in {kept.file_of(url)}, which only you can read: no keyring is used here."


def _tell(me: SelfAnswer, sign_in: KeptSignIn, where: str) -> None:
    roles = ", ".join(role.value for role in me.roles)
    until = sign_in.expires_at.astimezone(UTC)
    lasts = "is renewed by itself" if sign_in.refresh_token else "then sign in again"
    click.echo(
        f"Signed in as {plain(me.subject)} ({roles}) until {until:%Y-%m-%d %H:%M} UTC; {lasts}."
    )
    click.echo(where)


def _as_json(url: str, me: SelfAnswer, sign_in: KeptSignIn, place: Place) -> dict[str, object]:
    return {
        "url": url,
        "subject": me.subject,
        "roles": [role.value for role in me.roles],
        "expires_at": f"{sign_in.expires_at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
        "renewed_by_itself": sign_in.refresh_token is not None,
        "kept_in": place.value,
    }
