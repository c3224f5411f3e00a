"""`broker logout`: forget a sign-in, and end it at the provider."""

from __future__ import annotations

import json
from enum import StrEnum

import click

from broker.cli.failures import EXIT_CODES, CommandFailed, CommandMisused
from broker.cli.identity.finding import my_sign_ins, named_broker, takes_a_profile
from broker.cli.identity.kept import KeptSignIn, KeptSignIns
from broker.cli.identity.keyrings import KeyringUnusable
from broker.cli.identity.provider import SignInClient
from broker.errors import DependencyUnavailable
from broker.openid.public_client import NotOffered, ProviderRefused


class Revocation(StrEnum):
    """What became of the refresh token at the provider."""

    DONE = "revoked"
    NOTHING_THERE = "nothing to revoke"
    NOT_OFFERED = "not offered"
    FAILED = "failed"


_SENTENCES = {
    Revocation.DONE: "It can no longer be renewed: the provider has revoked it.",
    Revocation.NOTHING_THERE: "There was nothing to revoke at the provider.",
    Revocation.NOT_OFFERED: "The provider revokes nothing, so what was kept lapses by itself.",
    Revocation.FAILED: "The provider did not revoke it, so what was kept lapses by itself.",
}


@click.command(epilog=EXIT_CODES)
@click.option("--json", "as_json", is_flag=True, help="Print the answer as JSON.")
@click.option("--url", envvar="BROKER_URL", show_envvar=True, help="The broker.")
@takes_a_profile
@click.pass_context
def logout(ctx: click.Context, *, as_json: bool, url: str | None) -> None:
    """Forget your sign-in to a broker, and have the provider revoke what renews it.

    Sessions in AWS that were opened with it go on: `broker revoke` ends those. The ID token itself
    cannot be called back, and lapses at its end.

    \b
      broker logout
    """
    named = named_broker(url)
    kept = my_sign_ins()
    with kept.locked(named):
        was_there = kept.is_there(named)
        revocation = _revoked(_readable(kept, named))
        try:
            kept.forget(named)
        except KeyringUnusable as e:
            raise CommandFailed(
                f"The keyring does not forget your sign-in ({e}). Unlock it, and try again."
            ) from e
    if as_json:
        told = {"url": named, "was_signed_in": was_there, "revocation": revocation.value}
        click.echo(json.dumps(told, indent=2))
    elif not was_there:
        click.echo(f"You were not signed in to {named}.")
    else:
        click.echo(f"Signed out of {named}. {_SENTENCES[revocation]}")
    ctx.exit(1 if revocation is Revocation.FAILED else 0)


def _readable(kept: KeptSignIns, url: str) -> KeptSignIn | None:
    """What is kept, where it can be read: what cannot is forgotten all the same."""
    try:
        return kept.find(url)
    except CommandMisused as e:
        click.echo(e.message, err=True)
        return None


def _revoked(sign_in: KeptSignIn | None) -> Revocation:
    if sign_in is None or sign_in.refresh_token is None:
        return Revocation.NOTHING_THERE
    try:
        SignInClient.at(sign_in.client).oauth.revoke(sign_in.refresh_token)
    except NotOffered:
        return Revocation.NOT_OFFERED
    except (DependencyUnavailable, ProviderRefused):
        return Revocation.FAILED
    return Revocation.DONE
