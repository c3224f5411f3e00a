"""Signing in with the browser of this machine: authorization code, PKCE, loopback redirect."""

from __future__ import annotations

import secrets
from concurrent.futures import Future

import click

from broker.cli.failures import CommandFailed
from broker.cli.identity.callback import Callback, CallbackServer, Page
from broker.cli.identity.kept import KeptSignIn
from broker.cli.identity.provider import SignInClient, printable
from broker.cli.loopback.browser import open_in_browser
from broker.domain.identity.identity_claims import IdentityFault, IdentityRefused
from broker.openid.public_client import LoopbackAttempt, ProviderRefused
from broker.services.ambient import utc_now

_DONE = Page("You are signed in", "Go back to the terminal. You can close this page.")
_NOT_DONE = Page("You are not signed in", "The terminal says why. You can close this page.")

_LONGEST_URL = 8000


def sign_in_with_browser(client: SignInClient, *, seconds: float) -> KeptSignIn:
    """The sign-in, once somebody has gone through it in a browser.

    Raises CommandFailed where nobody does so in time, ProviderRefused, IdentityRefused and
    DependencyUnavailable.
    """
    server = CallbackServer()
    attempt = LoopbackAttempt(
        redirect_uri=server.redirect_uri,
        state=secrets.token_urlsafe(32),
        nonce=secrets.token_urlsafe(32),
        code_verifier=secrets.token_urlsafe(64),
    )
    outcome: Future[KeptSignIn] = Future()

    def answer(callback: Callback) -> Page:
        try:
            outcome.set_result(_redeemed(client, attempt, callback))
        except Exception as e:
            outcome.set_exception(e)
            return _NOT_DONE
        return _DONE

    with server.expecting(attempt.state, answer):
        url = client.oauth.authorization_url(attempt)
        shown = printable(url, longest=_LONGEST_URL)
        click.echo(f"Sign in with your browser; if none opens, go to\n\n  {shown}\n", err=True)
        open_in_browser(url)
        if not server.wait(seconds):
            raise CommandFailed(
                f"Nobody signed in within {seconds:g} seconds. Run `broker login` again, with "
                "--device where the browser is on another machine."
            )
    return outcome.result()


def _redeemed(client: SignInClient, attempt: LoopbackAttempt, callback: Callback) -> KeptSignIn:
    if not client.oauth.names_issuer(callback.issuer):
        raise IdentityRefused(IdentityFault.WRONG_ISSUER)
    if callback.error is not None or callback.code is None:
        raise ProviderRefused(callback.error or "no_code")
    tokens = client.oauth.redeem(callback.code, attempt)
    return client.accepted(tokens, now=utc_now(), nonce=attempt.nonce)
