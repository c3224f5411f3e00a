"""`broker ledger`: exporting, verifying, archiving and comparing the ledger, a module each."""

from __future__ import annotations

import click

from broker.cli.grammar.lazy import LazyGroup

COMMANDS: dict[str, str] = {
    "archive": "broker.cli.ledger.archive",
    "export": "broker.cli.ledger.export",
    "list": "broker.cli.ledger.list",
    "reconcile": "broker.cli.ledger.reconcile",
    "verify": "broker.cli.ledger.verify",
}
"""The module of each command, which holds it under its own name."""


@click.group(cls=LazyGroup, modules=COMMANDS)
def ledger() -> None:
    """Read the ledger, take it along, and find out whether anybody has changed it.

    \b
      broker ledger list --account 111122223333 --last 20
      broker ledger export --account 111122223333 --sign
      broker ledger verify ledger.jsonl --jwks https://broker.example.com/oidc/<id>/jwks.json
    """
