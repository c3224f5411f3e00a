"""`broker ledger verify`: whether an exported ledger is as it was written. Needs no broker."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import click

from broker.cli.failures import ExitCode
from broker.cli.ledger.files import lines_of
from broker.cli.ledger.jwks import known_keys
from broker.cli.ledger.verdict import as_json, lacks_voucher, sentences
from broker.cli.progress import Unit, Waiting, counted, waiting
from broker.domain.ledger.checkpoint_signatures import BadCheckpoint
from broker.domain.ledger.lines import checkpoint_line
from broker.domain.ledger.public_keys import KnownKeys
from broker.domain.ledger.verification import (
    BrokenLine,
    Verification,
    Verified,
    checkpointed,
)
from broker.domain.plain_text import plain

_LONGEST_CHECKPOINT = 8192

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


class _Broken(Exception):
    """What does not verify, and why."""

    def __init__(self, path: Path, why: str, *, line: int | None = None) -> None:
        super().__init__(why)
        self.path, self.why, self.line = path, why, line

    def __str__(self) -> str:
        where = f"{self.path}, line {self.line}" if self.line else str(self.path)
        return f"{where}: {self.why}."


@click.command(
    epilog="Exit codes: 0 unbroken, 1 a JWKS could not be fetched, 2 wrong usage, "
    "3 broken, or not vouched for by the JWKS."
)
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=_FILE)
@click.option(
    "--jwks",
    multiple=True,
    metavar="FILE|URL",
    help="Public keys that you trust: the account's issuer publishes them. May be repeated.",
)
@click.option(
    "--checkpoint",
    "kept",
    multiple=True,
    type=_FILE,
    help="A checkpoint that was kept elsewhere, in your bucket say. May be repeated.",
)
@click.option("--json", "is_json", is_flag=True, help="Print what was proved as JSON.")
@click.pass_context
def verify(
    ctx: click.Context,
    *,
    files: Sequence[Path],
    jwks: Sequence[str],
    kept: Sequence[Path],
    is_json: bool,
) -> None:
    """Verify exported ledgers, and name the first line that is not as it was written.

    Several files are read as one chain, the oldest first: an archive, and the export of the rest.
    Everything happens here; only a JWKS is fetched, where its address is given.

    \b
      broker ledger verify ledger.jsonl --jwks https://broker.example.com/oidc/<id>/jwks.json
      broker ledger verify archive.jsonl ledger.jsonl --jwks jwks.json
      broker ledger verify ledger.jsonl --jwks jwks.json --checkpoint 0000000000000812-….jws
    """
    given = known_keys(jwks)
    # Everything is read twice.
    size = 2 * sum(file.stat().st_size for file in files)
    try:
        with waiting("Verifying …", unit=Unit.BYTES, total=size) as progress:
            verified = _verified(files, given, kept, progress)
    except _Broken as e:
        if is_json:
            broken = {"verdict": "broken", "file": str(e.path), "line": e.line, "why": e.why}
            click.echo(json.dumps(broken, indent=2))
        click.echo(f"Broken: {plain(str(e))}", err=True)
        ctx.exit(ExitCode.REFUSED)
    refused = lacks_voucher(verified) if jwks else None
    if is_json:
        click.echo(json.dumps(as_json(verified, refused), indent=2))
    else:
        click.echo("\n".join(map(plain, sentences(verified))))
    if refused is not None:
        click.echo(f"Not vouched for: {refused}", err=True)
        ctx.exit(ExitCode.REFUSED)


def _verified(
    files: Sequence[Path], given: KnownKeys, kept: Sequence[Path], progress: Waiting
) -> Verified:
    """What the files prove, together with the checkpoints kept elsewhere. Raises _Broken."""
    checkpoints = {path: _read_checkpoint(path) for path in kept}
    remember = checkpointed(map(checkpoint_line, checkpoints.values()))
    for path in files:
        remember |= checkpointed(counted(lines_of(path), progress))
    verification = Verification(given=given, remember=remember)
    for path in files:
        with _naming(path):
            verification.read(counted(lines_of(path), progress))
    for path, jws in checkpoints.items():
        with _naming(path):
            verification.check(jws)
    with _naming(files[0]):
        return verification.result()


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Say in which file something is broken."""
    try:
        yield
    except BrokenLine as e:
        raise _Broken(path, e.why, line=e.line) from e
    except BadCheckpoint as e:
        raise _Broken(path, str(e)) from e


def _read_checkpoint(path: Path) -> str:
    with path.open("rb") as file:
        return file.read(_LONGEST_CHECKPOINT).decode("ascii", errors="replace").strip()
