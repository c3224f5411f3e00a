"""`broker console`: one command into the AWS console of a customer's account."""

from __future__ import annotations

import time
from concurrent.futures import Future
from urllib.parse import urlsplit

import click

from broker.cli.asking import Target, calls_the_broker
from broker.cli.failures import EXIT_CODES, CommandFailed
from broker.cli.grammar.parsed import Parsed
from broker.cli.loopback.browser import open_in_browser
from broker.cli.loopback.redirect import OneTimeRedirect
from broker.cli.opening.granted import WithoutGrant, granted, waits_for_a_grant
from broker.cli.opening.picking import named
from broker.cli.opening.wanted import NamedSession, WantedSession, names_a_whole_session
from broker.contract.console import ConsoleSessionAnswer, ConsoleSessionBody
from broker.domain.identifiers import ServiceName
from broker.domain.loopback import is_secure
from broker.domain.plain_text import plain_json
from broker.domain.times import rfc3339

_BROWSER_SECONDS = 60.0
"""A browser that is not running yet takes a while."""

_MOMENT = 0.1
"""Seconds after which it is looked again whether there is a browser at all."""


@click.command(epilog=EXIT_CODES)
@names_a_whole_session
@click.option(
    "--service",
    type=Parsed(ServiceName, "service"),
    show_default="the home page",
    help="Begin at the console of this service, like ec2 or s3.",
)
@click.option("--region", show_default="the broker's", help="Begin in this Region.")
@click.option(
    "--open",
    "open_browser",
    is_flag=True,
    help="Open the browser of this machine instead of printing the URL.",
)
@waits_for_a_grant
@calls_the_broker
def console(
    *,
    wanted: WantedSession,
    service: ServiceName | None,
    region: str | None,
    open_browser: bool,
    without_grant: WithoutGrant,
    target: Target,
    as_json: bool,
) -> None:
    """Open the AWS console of an account, for a ticket.

    Prints a URL that signs in as a new session, once, within 15 minutes: a secret. The console
    ends with the session.

    \b
      broker console --account 111122223333 --ticket T-1042 --open
      broker console --account 111122223333 --ticket T-1042 --service ec2 --region eu-central-1
    """
    with target.broker() as broker:
        session = named(wanted, broker)
        body = _body(session, service, region)
        answer = granted(
            lambda: broker.open_console(body), session, broker, without_grant=without_grant
        )
    _require_a_url(answer.url)
    if open_browser:
        _opened_in_browser(answer.url)
    _tell(answer, open_browser=open_browser, as_json=as_json)


def _body(
    session: NamedSession, service: ServiceName | None, region: str | None
) -> ConsoleSessionBody:
    page = {"destination": service, "region": region}
    given = {name: value for name, value in page.items() if value is not None}
    return ConsoleSessionBody.model_validate(
        {**session.body().model_dump(exclude_unset=True), **given}
    )


def _require_a_url(url: str) -> None:
    """Raises CommandFailed for what no broker answers: the browser and the terminal get a URL that
    nobody can read on the way, and nothing else.
    """
    try:
        good = url.isascii() and url.isprintable() and " " not in url and is_secure(urlsplit(url))
    except ValueError:
        good = False
    if not good:
        raise CommandFailed("What the broker answered is no URL to sign in at. Ask its operator.")


def _opened_in_browser(url: str) -> None:
    redirect = OneTimeRedirect(url)
    with redirect.listening():
        opened = open_in_browser(redirect.address)
        until = time.monotonic() + _BROWSER_SECONDS
        while not _was_followed(redirect, opened):
            if time.monotonic() > until:
                raise CommandFailed(
                    f"The browser did not come within {_BROWSER_SECONDS:g} seconds. Without "
                    "--open you are given the URL."
                )


def _was_followed(redirect: OneTimeRedirect, opened: Future[bool]) -> bool:
    """Whether the browser came, after a moment. Raises CommandFailed where there is none."""
    # Known before the wait: a browser may come, and then end badly.
    is_missing = opened.done() and not opened.result()
    if redirect.wait(seconds=_MOMENT):
        return True
    if is_missing:
        raise CommandFailed("No browser can be opened here. Without --open you are given the URL.")
    return False


def _tell(answer: ConsoleSessionAnswer, *, open_browser: bool, as_json: bool) -> None:
    """What can be read by programs on standard output; the URL only if nothing has used it."""
    session = answer.session
    if as_json:
        left_out = {"url", "expires_in"} if open_browser else set()
        click.echo(plain_json(answer.model_dump_json(indent=2, exclude=left_out)))
    elif not open_browser:
        click.echo(answer.url)
    if open_browser:
        told = f"The console of {session.account_id} is open in your browser"
    else:
        minutes = answer.expires_in // 60
        told = f"The URL is a secret: whoever follows it first within {minutes} minutes is you"
    click.echo(f"{told}. {session.id} ends at {rfc3339(session.expires_at)}.", err=True)
