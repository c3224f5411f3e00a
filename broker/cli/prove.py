"""`broker prove`: what the support roles in an account may really do, and a verdict."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import click
from pydantic import ValidationError
from rich.console import Console
from rich.table import Table
from rich.text import Text

from broker.cli.asking import Target, finds_the_broker
from broker.cli.failures import ExitCode
from broker.cli.grammar.parsed import Parsed
from broker.cli.progress import waiting
from broker.contract.proofs import ProofAnswer
from broker.domain.identifiers import AccountId
from broker.domain.plain_text import plain, plain_json
from broker.domain.proofs.action_catalogue import AccessLevel
from broker.domain.proofs.proof import Proof, ProofChange, Verdict, compare

_VERDICTS = {
    Verdict.READ_ONLY: "read only",
    Verdict.VIOLATED: "VIOLATED",
    Verdict.UNPROVEN: "NOT PROVEN",
}


@click.command(
    epilog="Exit codes: 0 read only, 1 failed (try again), 2 wrong usage, 3 refused, "
    "violated or not proven."
)
@click.argument("account", type=Parsed(AccountId, "account"))
@click.option(
    "--json", "as_json", is_flag=True, help="Print the whole proof, every action in it, as JSON."
)
@click.option(
    "--compare",
    "earlier",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Say what has changed since an earlier proof, kept with --json.",
)
@finds_the_broker
@click.pass_context
def prove(
    ctx: click.Context,
    *,
    account: AccountId,
    as_json: bool,
    earlier: Path | None,
    target: Target,
) -> None:
    """Prove what the support roles in an account may do, from what is attached there now.

    \b
      broker prove 111122223333
      broker prove 111122223333 --json > proof.json
      broker prove 111122223333 --compare proof.json
    """
    before = None if earlier is None else _kept(earlier)
    with target.broker() as broker, waiting(f"Reading the roles in {account} …"):
        answer = broker.prove_account(account)
    proof = answer.read()
    if as_json:
        click.echo(plain_json(answer.model_dump_json(indent=2)))
    else:
        _print(proof)
    if before is not None:
        _print_change(_compared(before, proof), to_standard_error=as_json)
    ctx.exit(ExitCode.OK if proof.verdict is Verdict.READ_ONLY else ExitCode.REFUSED)


def _kept(path: Path) -> Proof:
    try:
        return ProofAnswer.model_validate_json(path.read_bytes()).read()
    except ValidationError as e:
        raise click.UsageError(
            f"{path} is not a proof as `broker prove --json` printed it, or was changed since."
        ) from e


def _compared(before: Proof, proof: Proof) -> ProofChange:
    try:
        return compare(before, proof)
    except ValueError as e:
        raise click.UsageError(f"There is nothing to compare: {e}.") from e


def _print(proof: Proof) -> None:
    console = Console(soft_wrap=True, highlight=False)
    table = Table("Access level", title=f"Account {proof.account_id}, profile {proof.profile}")
    for role in proof.roles:
        table.add_column(Text(plain(role.role)), justify="right")
    for level in AccessLevel:
        table.add_row(level.value, *(str(role.counts[level]) for role in proof.roles))
    console.print(table)
    for role in proof.roles:
        _print_list(console, f"{role.role}, above reading", role.above_reading)
        _print_list(console, f"{role.role}, promised to be denied", role.broken_promises)
        _print_list(console, f"{role.role}, unknown to the catalogue", role.unknown)
        _print_list(console, f"{role.role}, denied in part", role.partly_denied)
    _print_list(console, "Differs from what is wanted", proof.findings)
    based_upon = f"Catalogue {proof.catalogue_version}, digest {proof.digest}"
    console.print(plain(based_upon), markup=False)
    console.print(f"Verdict: {_VERDICTS[proof.verdict]}", style="bold")
    for reason in proof.reasons:
        console.print(f"  {plain(reason)}", markup=False)


def _print_list(console: Console, title: str, lines: Iterable[str]) -> None:
    listed = list(lines)
    if listed:
        console.print(f"{plain(title)}:", markup=False)
    for line in listed:
        console.print(f"  {plain(line)}", markup=False)


def _print_change(change: ProofChange, *, to_standard_error: bool) -> None:
    console = Console(stderr=to_standard_error, soft_wrap=True, highlight=False)
    if change.same:
        console.print("Nothing has changed since the earlier proof.")
        return
    old, new = change.verdicts
    console.print(f"Since the earlier proof: {_VERDICTS[old]}, now {_VERDICTS[new]}.")
    if change.catalogues[0] != change.catalogues[1]:
        catalogues = plain(" then ".join(change.catalogues))
        console.print(f"Another catalogue: {catalogues}.", markup=False)
    for role in change.roles:
        _print_list(console, f"{role.role} gained", role.gained)
        _print_list(console, f"{role.role} lost", role.lost)
        _print_list(console, f"{role.role}, classed differently", role.reclassified)
