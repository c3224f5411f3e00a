"""`broker ledger archive`: old entries out of the store, into a file that proves itself."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from broker.cli.failures import CommandFailed
from broker.cli.grammar.parsed import Parsed
from broker.cli.ledger.files import NewFile
from broker.cli.operator import operators_call, services_here
from broker.cli.progress import waiting
from broker.domain.identifiers import AccountId
from broker.errors import InvalidRequest
from broker.services.ledger.archiving import KEPT_AT_LEAST, Archived
from broker.wiring import Services


@click.command(epilog="Exit codes: 0 done, 1 failed, 2 wrong usage or settings.")
@click.option("--account", type=Parsed(AccountId, "account"), required=True, help="Whose ledger.")
@click.option(
    "--before",
    type=click.DateTime(["%Y-%m-%d"]),
    required=True,
    help=f"A day in UTC, at least {KEPT_AT_LEAST.days} days ago: what is older goes.",
)
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    help="The file to write; there must be none of this name.",
)
def archive(*, account: AccountId, before: datetime, out: Path) -> None:
    """Write old entries to a file, verify the file, and only then drop them from the store.

    The cut is at the last checkpoint before that day, which proves both parts. Run it on the
    broker's machine, with its settings in the environment, and keep the file: nobody else has
    these entries any more.

    \b
      broker ledger archive --account 111122223333 --before 2026-01-01 --out 2025.jsonl
    """
    with services_here() as services:
        archived = _archived(services, account, out, before=before.replace(tzinfo=UTC))
    click.echo(
        f"{archived.entries} entries, up to {archived.through}, are in {out} and no longer in the "
        f"store. SHA-256 {archived.sha256}"
    )


def _archived(services: Services, account: AccountId, out: Path, *, before: datetime) -> Archived:
    try:
        with NewFile(out) as file, waiting("Writing and verifying …"):
            return services.ledger.archiving(account, file, operators_call(), before=before)
    except InvalidRequest as e:
        raise click.UsageError(e.public_message) from e
    except OSError as e:
        raise CommandFailed(
            f"{out} cannot be written, and nothing was dropped. Name another --out."
        ) from e
