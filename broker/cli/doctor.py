"""`broker doctor`: what is wrong, what it means and what to do, in one look."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from broker import logs, settings
from broker.cli.asking import found
from broker.cli.failures import ExitCode, told_by_the_shell
from broker.cli.operator import operators_call
from broker.cli.progress import waiting
from broker.contract.diagnoses import DiagnosisAnswer
from broker.domain.diagnosis import Check, CheckStatus, Diagnosis
from broker.domain.identifiers import AccountId
from broker.errors import ConfigurationError
from broker.services.observations import Unobserved
from broker.wiring import build

_SHOWN = {
    CheckStatus.OK: Text("ok", style="green"),
    CheckStatus.WARNING: Text("warning", style="yellow"),
    CheckStatus.FAILED: Text("FAILED", style="bold red"),
    CheckStatus.NOT_RUN: Text("NOT RUN", style="bold magenta"),
}


@click.command(
    epilog="Exit codes: 0 all well, perhaps with warnings; 1 something failed or could not be "
    "checked; 2 wrong usage; 3 refused (with --remote)."
)
@click.argument("account", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print the checks as JSON.")
@click.option(
    "--remote", is_flag=True, help="Ask the running broker over its API, as a caller of it."
)
@click.option("--url", envvar="BROKER_URL", show_envvar=True, help="The broker, for --remote.")
@click.option(
    "--token",
    "credential",
    envvar="BROKER_TOKEN",
    show_envvar=True,
    help="Your API token, for --remote; better in the environment.",
)
@click.pass_context
def doctor(
    ctx: click.Context,
    *,
    account: str | None,
    as_json: bool,
    remote: bool,
    url: str | None,
    credential: str | None,
) -> None:
    """Check everything that a session needs, and say how to mend what is not well.

    Runs on the broker's machine, with its settings: store, AWS credentials, clock, certificate,
    the issuers as AWS finds them; for an account also its keys, the management role, what stands
    in the account, and exchanges that must work and others that must be refused.

    \b
      broker doctor
      broker doctor 111122223333
      broker doctor 111122223333 --remote --json
    """
    account_id = None if account is None else _parsed(account)
    checks = _over_the_api(account_id, url, credential) if remote else _here(account_id)
    with told_by_the_shell():
        diagnosis = Diagnosis(tuple(_watched(checks)))
    if as_json:
        click.echo(DiagnosisAnswer.of(diagnosis).model_dump_json(indent=2))
    else:
        _print(diagnosis)
    ctx.exit(ExitCode.FAILED if diagnosis.verdict is CheckStatus.FAILED else ExitCode.OK)


def _parsed(account: str) -> AccountId:
    try:
        return AccountId.parse(account)
    except ValueError as e:
        raise click.UsageError(f"ACCOUNT {e}.") from e


def _over_the_api(
    account_id: AccountId | None, url: str | None, credential: str | None
) -> Iterator[Check]:
    if account_id is None:
        raise click.UsageError("--remote needs ACCOUNT.")
    with found(url, credential).broker() as broker:
        yield from broker.diagnose_account(account_id).read().checks


def _here(account_id: AccountId | None) -> Iterator[Check]:
    # What AWS refuses is told by the checks; the log is for what nobody foresaw.
    logs.configure("error")
    try:
        services = build(settings.load(), Unobserved())
    except ConfigurationError as e:
        yield Check.failed(
            "settings",
            "; ".join(e.problems),
            meaning="The broker cannot start, and nothing else can be checked.",
            mend="Correct the environment; the README lists every variable. On another machine "
            "than the broker's: `broker doctor ACCOUNT --remote`.",
        )
        return
    with closing(services):
        yield from services.doctor.examine(account_id, operators_call())


def _watched(checks: Iterator[Check]) -> Iterator[Check]:
    """The checks as they come; a terminal is told how far it is."""
    with waiting("Checking …") as progress:
        for number, check in enumerate(checks, start=1):
            progress.show(f"Checking … {number} done, last: {check.name}")
            yield check


def _print(diagnosis: Diagnosis) -> None:
    table = Table(box=None, pad_edge=False)
    table.add_column("", no_wrap=True)
    # Identifiers are longer than a narrow column: what is cut can be neither read nor copied.
    table.add_column("Check", overflow="fold")
    table.add_column("Found", overflow="fold")
    for check in diagnosis.checks:
        table.add_row(_SHOWN[check.status], Text(check.name), _told(check))
    console = Console(highlight=False)
    console.print(table)
    console.print()
    console.print(Text(_summary(diagnosis)))


def _told(check: Check) -> Text:
    told = Text(check.found)
    if check.meaning:
        told.append(f"\nMeans: {check.meaning}", style="dim")
    if check.mend:
        told.append(f"\nMend: {check.mend}")
    return told


def _summary(diagnosis: Diagnosis) -> str:
    total = len(diagnosis.checks)
    of = {
        status: sum(check.status is status for check in diagnosis.checks) for status in CheckStatus
    }
    if diagnosis.verdict is CheckStatus.OK:
        return f"All {total} checks are well."
    parts = {
        "failed": of[CheckStatus.FAILED],
        "could not be made": of[CheckStatus.NOT_RUN],
        "passed with a warning": of[CheckStatus.WARNING],
    }
    return f"Of {total} checks, {', '.join(f'{n} {what}' for what, n in parts.items() if n)}."
