"""`broker keys`: the signing keys at their provider, seen from the machine that holds the store."""

from __future__ import annotations

import json
from collections.abc import Sequence

import click
from rich.console import Console
from rich.table import Table

from broker.cli.grammar.groups import Group
from broker.cli.operator import operators_call, services_here
from broker.cli.progress import Unit, waiting
from broker.domain.times import rfc3339
from broker.services.lifecycle.orphans import DELETION_DAYS, Orphan, Orphans
from keys.types import ProviderKeyState

_GOING = ProviderKeyState.PENDING_DELETION


@click.group(cls=Group)
def keys() -> None:
    """Look after the signing keys where they are kept.

    \b
      broker keys orphans
    """


@keys.command(epilog="Exit codes: 0 done, 1 failed (try again), 2 wrong usage or settings.")
@click.option("--json", "as_json", is_flag=True, help="Print the keys as JSON.")
@click.option(
    "--schedule-deletion",
    is_flag=True,
    help=f"Disable the orphans now and have them destroyed after {DELETION_DAYS} days.",
)
@click.option("--yes", is_flag=True, help="Do not ask before a deletion is scheduled.")
def orphans(*, as_json: bool, schedule_deletion: bool, yes: bool) -> None:
    """List the keys that carry this broker's labels and that no account owns.

    Runs on the broker's machine, with its settings in the environment.

    They come from crashes, and from a store that was lost: with the store of another broker,
    all of that broker's keys would be listed. The cost is an estimate by AWS's list price.

    \b
      broker keys orphans
      broker keys orphans --json
      broker keys orphans --schedule-deletion
    """
    with services_here() as services:
        with waiting("Listing the keys …"):
            found = services.orphans.find(operators_call())
        if as_json:
            click.echo(json.dumps(_as_json(found), indent=2))
        else:
            _print(found)
        if schedule_deletion:
            staying = [each for each in found if each.key.state is not _GOING]
            _discard(services.orphans, staying, ask=not yes)


def _discard(service: Orphans, found: Sequence[Orphan], *, ask: bool) -> None:
    if found and ask:
        click.confirm(f"Schedule the deletion of {_keys(len(found))}?", abort=True, err=True)
    with waiting("Scheduling …", unit=Unit.STEPS, total=len(found)) as progress:
        for orphan in found:
            service.discard(orphan, operators_call())
            progress.advance()
    click.echo(
        f"{_keys(len(found))} disabled, to be destroyed in {DELETION_DAYS} days; until then "
        "the provider can still cancel it.",
        err=True,
    )


def _as_json(found: Sequence[Orphan]) -> dict[str, object]:
    return {
        "orphans": [
            {
                "locator": orphan.key.locator,
                "account_id": orphan.key.owner.account_id,
                "issuer_id": orphan.key.owner.issuer_id,
                "state": orphan.key.state.value,
                "created_at": rfc3339(orphan.key.created_at),
                "age_days": orphan.age.days,
                "estimated_monthly_usd": orphan.monthly_usd,
            }
            for orphan in found
        ],
        "estimated_monthly_usd": sum(orphan.monthly_usd for orphan in found),
    }


def _print(found: Sequence[Orphan]) -> None:
    if not found:
        click.echo("Every key has its account.")
        return
    table = Table(box=None, pad_edge=False)
    for heading in ("Key", "Made for", "State", "Days old", "USD a month"):
        table.add_column(heading, overflow="fold")
    for orphan in found:
        table.add_row(
            orphan.key.locator,
            orphan.key.owner.account_id,
            orphan.key.state.value.replace("_", " "),
            str(orphan.age.days),
            str(orphan.monthly_usd),
        )
    Console().print(table)
    total = sum(orphan.monthly_usd for orphan in found)
    click.echo(f"{_keys(len(found))} without an account, about USD {total} a month.")


def _keys(number: int) -> str:
    return "1 key" if number == 1 else f"{number} keys"
