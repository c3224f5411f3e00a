"""`broker whoami`: as whom the broker knows you, and by which credential."""

from __future__ import annotations

import json
from datetime import UTC

import click

from broker.cli.asking import Target, calls_the_broker
from broker.cli.failures import EXIT_CODES
from broker.contract.me import SelfAnswer
from broker.domain.identity.permissions import EstablishedBy
from broker.domain.plain_text import plain

_SIGNED_IN_BY = {
    EstablishedBy.API_TOKEN: "an API token",
    EstablishedBy.IDENTITY_TOKEN: "your organisation's provider",
    EstablishedBy.BROWSER: "a browser",
}


@click.command(epilog=EXIT_CODES)
@calls_the_broker
def whoami(*, target: Target, as_json: bool) -> None:
    """Show who you are to the broker, what you may do, and which credential says so.

    \b
      broker whoami
      broker whoami --json | jq -r .subject
    """
    with target.broker() as broker:
        me = broker.show_self()
    if as_json:
        said = json.loads(me.model_dump_json(exclude={"csrf_token"}))
        by = {
            "url": target.url,
            "profile": target.profile,
            "credential": target.source.name.lower(),
        }
        click.echo(json.dumps({**said, **by}, indent=2))
        return
    _tell(me, target)


def _tell(me: SelfAnswer, target: Target) -> None:
    until = me.session_expires_at
    known_by = _SIGNED_IN_BY.get(me.signed_in_by, me.signed_in_by.value)
    rows = {
        "You are": me.subject,
        "Roles": ", ".join(role.value for role in me.roles),
        "Accounts": ", ".join(me.account_ids) or "not bound to any",
        "Known by": f"{known_by} ({target.source})",
        "Until": f"{until.astimezone(UTC):%Y-%m-%d %H:%M} UTC" if until else "no set time",
        "May": ", ".join(action.value for action in me.actions),
        "Broker": target.url,
        "Profile": target.profile or "none",
    }
    width = max(map(len, rows))
    for name, value in rows.items():
        click.echo(f"{name:<{width}}  {plain(value)}")
