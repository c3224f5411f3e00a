"""`broker ledger export`: a ledger as a file, over the HTTP API."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import click

from broker.cli.asking import Target, finds_the_broker
from broker.cli.failures import EXIT_CODES, CommandFailed
from broker.cli.grammar.parsed import Parsed
from broker.cli.ledger.files import NewFile
from broker.cli.progress import Unit, counted, waiting
from broker.contract.ledger import CheckpointBody, ExportQuery
from broker.domain.identifiers import AccountId

_END = b'{"end":'


@click.command(epilog=EXIT_CODES)
@click.option(
    "--account", type=Parsed(AccountId, "account"), help="Whose; without it, the broker's own."
)
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The file; by default ledger-ACCOUNT.jsonl here. It appears once it is whole.",
)
@click.option(
    "--after", type=click.IntRange(0), default=0, help="Begin with the entry after this number."
)
@click.option("--through", type=click.IntRange(1), help="End with the entry of this number.")
@click.option(
    "--sign", is_flag=True, help="Have the head signed first, so that all up to now is vouched for."
)
@finds_the_broker
def export(
    *,
    account: AccountId | None,
    out: Path | None,
    after: int,
    through: int | None,
    sign: bool,
    target: Target,
) -> None:
    """Write a ledger to a file: entries, public keys, signed checkpoints.

    \b
      broker ledger export --account 111122223333 --sign
      broker ledger export --account 111122223333 --after 5000 --out since.jsonl
    """
    if sign and account is None:
        raise click.UsageError("The broker's own ledger has no key: --sign goes with --account.")
    path = out or Path(f"ledger-{account or 'broker'}.jsonl")
    query = ExportQuery(account_id=account, after=after, through=through)
    with NewFile(path) as file, target.broker() as broker:
        if sign and account is not None:
            with waiting("Having the head signed …"):
                broker.sign_ledger(CheckpointBody(account_id=account))
        with broker.export_ledger(query) as pieces, waiting("Exporting …", unit=Unit.BYTES) as how:
            file.write(counted(_whole(pieces), how))
        _settle(file, path)
    click.echo(f"{path} holds the ledger. {_next_step(path, account)}", err=True)


def _next_step(path: Path, account: AccountId | None) -> str:
    """How to check it; the broker's own ledger has no key, so nobody vouches for that."""
    if account is None:
        return f"Check it with `broker ledger verify {path}`."
    return (
        f"Check it with `broker ledger verify {path} --jwks ISSUER/jwks.json`; "
        f"`broker accounts show {account}` names the issuer."
    )


def _settle(file: NewFile, path: Path) -> None:
    try:
        file.settle()
    except FileExistsError as e:
        raise CommandFailed(f"{path} was made by others meanwhile. Name another --out.") from e


def _whole(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The same pieces. Raises CommandFailed where the last line of all is not the end."""
    last = b""
    for piece in pieces:
        yield piece
        # What follows the last line feed but one: the last line, as far as it has come.
        last = b"\n".join((last + piece).rsplit(b"\n", 2)[-2:])
    if not last.startswith(_END) or not last.endswith(b"}\n"):
        raise CommandFailed("The export broke off before its end. Try again.")
