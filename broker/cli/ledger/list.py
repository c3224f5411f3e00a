"""`broker ledger list`: the entries of a ledger, to read."""

from __future__ import annotations

from collections.abc import Mapping

import click

from broker.cli.answers.rows import print_rows
from broker.cli.asking import Target, calls_the_broker, tell
from broker.cli.failures import EXIT_CODES
from broker.cli.grammar.parsed import Parsed
from broker.cli.progress import waiting
from broker.client.paging import every
from broker.contract.base import AccountListQuery
from broker.contract.ledger import LedgerPage
from broker.domain.identifiers import AccountId


@click.command(name="list", epilog=EXIT_CODES)
@click.option(
    "--account", type=Parsed(AccountId, "account"), help="Whose; without it, the broker's own."
)
@click.option(
    "--last", type=click.IntRange(min=1), metavar="NUMBER", help="Only the last so many entries."
)
@calls_the_broker
def list_entries(
    *, account: AccountId | None, last: int | None, target: Target, as_json: bool
) -> None:
    """List the entries of a ledger, oldest first: when, who, what, and how it ended.

    To verify them take them along: `broker ledger export`.

    \b
      broker ledger list --account 111122223333 --last 20
      broker ledger list --account 111122223333 --json | jq -r '.items[].action'
    """
    query = AccountListQuery(account_id=account)
    with target.broker() as broker, waiting("Reading the ledger …"):
        entries = list(every(broker.list_entries, query))
    shown = entries if last is None else entries[-last:]
    tell(LedgerPage(items=shown, next=None), _print, as_json=as_json)


def _print(page: LedgerPage) -> None:
    if not page.items:
        click.echo("There are no entries.")
        return
    print_rows(
        ("Entry", "At", "Who", "What", "Outcome", "Why", "About"),
        [
            (
                str(entry.seq),
                entry.at,
                entry.actor,
                entry.action,
                entry.outcome,
                entry.reason or "",
                _said(entry.ids),
            )
            for entry in page.items
        ],
    )


def _said(ids: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {value}" for name, value in ids.items())
