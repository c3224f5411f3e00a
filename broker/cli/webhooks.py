"""`broker webhooks`: who is told of what happens, seen from the machine that runs the broker."""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence

import click
from rich.console import Console
from rich.table import Table

from broker.cli.failures import CommandFailed
from broker.cli.grammar.groups import Group
from broker.cli.operator import operators_call, services_here
from broker.cli.progress import waiting
from broker.domain.times import rfc3339
from broker.domain.webhooks.delivery import Receipt, Verdict
from broker.domain.webhooks.endpoints import Endpoint
from broker.domain.webhooks.events import EventType
from broker.domain.webhooks.signature import Secret
from broker.services.webhooks.endpoints import EndpointStanding

SECRET_BYTES = 32
EXIT_CODES = "Exit codes: 0 done, 1 failed (try again), 2 wrong usage or settings."


@click.group(cls=Group)
def webhooks() -> None:
    """Look at the endpoints in BROKER_WEBHOOKS_FILE, and try them.

    Runs on the broker's machine, with its settings in the environment; `secret` needs none.

    \b
      broker webhooks secret
      broker webhooks list
      broker webhooks test chat
    """


@webhooks.command(name="list", epilog=EXIT_CODES)
@click.option("--json", "as_json", is_flag=True, help="Print the endpoints as JSON.")
def list_endpoints(*, as_json: bool) -> None:
    """List the endpoints, what they are told, and since when one takes nothing.

    Secrets are not shown, and of a URL only the host: chat tools write a secret into its path.

    \b
      broker webhooks list --json | jq '.webhooks[] | select(.failing_since)'
    """
    with services_here() as services:
        standings = services.webhooks.standings()
    if as_json:
        shown = {"webhooks": [_as_json(standing) for standing in standings]}
        click.echo(json.dumps(shown, indent=2))
    else:
        _print(standings)


@webhooks.command(epilog=EXIT_CODES)
@click.argument("name")
def test(*, name: str) -> None:
    """Send a signed event of the type webhook.test, once, and say what came back.

    \b
      broker webhooks test chat
    """
    with services_here() as services, waiting(f"Waiting for {name} to answer …"):
        receipt = services.webhooks.test(name, operators_call())
    if receipt.verdict is not Verdict.ACCEPTED:
        raise CommandFailed(_why(receipt), code=receipt.verdict.value)
    click.echo(f"{name} took it: status {receipt.status}.")


@webhooks.command(epilog="Exit codes: 0 printed, 2 wrong usage.")
def secret() -> None:
    """Print a fresh secret for an endpoint and its receiver; nothing keeps it.

    \b
      broker webhooks secret
    """
    click.echo(Secret(secrets.token_bytes(SECRET_BYTES)).reveal())


def _why(receipt: Receipt) -> str:
    if receipt.status is None:
        return "No answer came: the log says why."
    return f"It was not taken: status {receipt.status}."


def _as_json(standing: EndpointStanding) -> dict[str, object]:
    endpoint, outage = standing.endpoint, standing.outage
    return {
        "name": endpoint.name,
        "place": endpoint.url.place,
        "networks": endpoint.networks.value,
        "secrets": len(endpoint.secrets),
        "events": sorted(endpoint.events),
        "accounts": None if endpoint.accounts is None else sorted(endpoint.accounts),
        "failing_since": None if outage is None else rfc3339(outage.since),
        "next_try_at": None if outage is None else rfc3339(outage.until),
    }


def _print(standings: Sequence[EndpointStanding]) -> None:
    if not standings:
        click.echo("No endpoint is configured: BROKER_WEBHOOKS_FILE names none.")
        return
    table = Table(box=None, pad_edge=False)
    for heading in ("Name", "Place", "Accounts", "Events", "Failing since"):
        table.add_column(heading, overflow="fold")
    for standing in standings:
        table.add_row(
            standing.endpoint.name,
            standing.endpoint.url.place,
            _accounts(standing.endpoint),
            _events(standing.endpoint),
            "" if standing.outage is None else rfc3339(standing.outage.since),
        )
    Console().print(table)


def _accounts(endpoint: Endpoint) -> str:
    return "all" if endpoint.accounts is None else ", ".join(sorted(endpoint.accounts))


def _events(endpoint: Endpoint) -> str:
    return "all" if endpoint.events == frozenset(EventType) else ", ".join(sorted(endpoint.events))
