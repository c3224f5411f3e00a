"""Signing in where there is no browser: a code to enter on another machine (RFC 8628)."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable

import click

from broker.cli.failures import CommandFailed, CommandRefused
from broker.cli.identity.kept import KeptSignIn
from broker.cli.identity.provider import SignInClient, printable
from broker.errors import DependencyUnavailable
from broker.openid.public_client import DeviceCodes, NotOffered, ProviderRefused, Waiting
from broker.openid.transport import Tokens
from broker.services.ambient import utc_now

_SLOWER = 5.0
"""Seconds added at each `slow_down` (section 3.5), and where the provider does not answer."""

_LAPSED = "expired_token"
_LONGEST_URL = 2000


def browser_is_elsewhere() -> bool:
    """Whether a browser that opened here would open before nobody."""
    if os.environ.get("SSH_CONNECTION"):
        return True
    shown = os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    return sys.platform == "linux" and not shown


def sign_in_with_device(
    client: SignInClient,
    *,
    seconds: float,
    pause: Callable[[float], None] = time.sleep,
    monotonic: Callable[[], float] = time.monotonic,
) -> KeptSignIn:
    """The sign-in, once somebody has entered the code.

    Raises CommandFailed where nobody does so in time, and like `sign_in_with_browser`.
    """
    try:
        codes = client.oauth.begin_device_flow()
    except NotOffered as e:
        raise CommandRefused(
            "Your provider offers no sign-in on another device. Use --browser, or an API token in "
            "BROKER_TOKEN.",
            code="device_flow_not_offered",
        ) from e
    _show(codes)
    interval = codes.interval
    until = monotonic() + min(codes.expires_in, seconds)
    while monotonic() < until:
        pause(min(interval, max(0.0, until - monotonic())))
        try:
            answer = client.oauth.poll(codes)
        except DependencyUnavailable:
            interval += _SLOWER
            continue
        except ProviderRefused as e:
            if e.error == _LAPSED:
                raise _lapsed() from e
            raise
        if isinstance(answer, Tokens):
            return client.accepted(answer, now=utc_now())
        if answer is Waiting.SLOW_DOWN:
            interval += _SLOWER
    raise _lapsed() if codes.expires_in <= seconds else _too_late(seconds)


def _show(codes: DeviceCodes) -> None:
    url, code = _line(codes.verification_uri), _line(codes.user_code)
    click.echo(f"On any device, go to\n\n  {url}\n\nand enter the code\n\n  {code}\n", err=True)
    if codes.verification_uri_complete is not None:
        click.echo(f"or go straight to\n\n  {_line(codes.verification_uri_complete)}\n", err=True)


def _line(text: str) -> str:
    return printable(text, longest=_LONGEST_URL)


def _lapsed() -> CommandFailed:
    return CommandFailed(
        "Nobody entered the code while it was good. Run `broker login --device` for a new one.",
        code=_LAPSED,
    )


def _too_late(seconds: float) -> CommandFailed:
    return CommandFailed(
        f"Nobody entered the code within {seconds:g} seconds, and nothing waits for it any more. "
        "Run `broker login --device` for a new one, with --timeout for more time."
    )
