"""`broker accounts sync`: one account, several or all, brought to what is wanted now."""

from __future__ import annotations

from collections.abc import Sequence

import click

from broker.cli.accounts.named import ACCOUNT
from broker.cli.answers.accounts import print_account, print_accounts
from broker.cli.asking import Target, calls_the_broker, tell
from broker.cli.failures import EXIT_CODES, ExitCode
from broker.cli.progress import Unit, Waiting, waiting
from broker.client.broker import Broker
from broker.client.errors import ProblemAnswered
from broker.client.paging import every
from broker.contract.accounts import AccountAnswer, AccountPage
from broker.contract.base import ListQuery
from broker.domain.accounts import LEAVING
from broker.domain.identifiers import AccountId


@click.command(epilog=f"{EXIT_CODES} An account that is not well after it is 1.")
@click.argument("account_ids", metavar="[ACCOUNT]...", nargs=-1, type=ACCOUNT)
@click.option("--all", "all_of_them", is_flag=True, help="All accounts but those that are leaving.")
@calls_the_broker
@click.pass_context
def sync(
    ctx: click.Context,
    *,
    account_ids: tuple[AccountId, ...],
    all_of_them: bool,
    target: Target,
    as_json: bool,
) -> None:
    """Bring accounts to what is wanted now, and prove it; the worker does it by itself, later.

    One after the other; one that is not well does not keep the others waiting.

    \b
      broker accounts sync 111122223333
      broker accounts sync 111122223333 444455556666
      broker accounts sync --all --json | jq -r '.items[] | select(.last_error).account_id'
    """
    if bool(account_ids) is all_of_them:
        raise click.UsageError("Name accounts, or say --all.")
    with target.broker() as broker:
        if len(account_ids) == 1:
            with waiting(f"Reconciling {account_ids[0]} …"):
                answer = broker.reconcile_account(account_ids[0])
            tell(answer, print_account, as_json=as_json)
            ctx.exit(ExitCode.OK if answer.last_error is None else ExitCode.FAILED)
        wanted = list(dict.fromkeys(account_ids)) or _staying(broker)
        answers, refusals = _one_by_one(broker, wanted)
    tell(AccountPage(items=answers, next=None), print_accounts, as_json=as_json)
    bad = [*refusals, *(each.account_id for each in answers if each.last_error is not None)]
    well = f"{len(wanted) - len(bad)} of {len(wanted)} accounts are well."
    click.echo(f"{well} Not well: {', '.join(bad)}." if bad else well, err=True)
    ctx.exit(ExitCode.FAILED if bad else ExitCode.OK)


def _staying(broker: Broker) -> Sequence[AccountId]:
    listed = every(broker.list_accounts, ListQuery())
    return [AccountId(each.account_id) for each in listed if each.state not in LEAVING]


def _one_by_one(
    broker: Broker, wanted: Sequence[AccountId]
) -> tuple[list[AccountAnswer], list[AccountId]]:
    """The accounts after their passes, and those of which the broker refused one."""
    answers: list[AccountAnswer] = []
    refusals: list[AccountId] = []
    with waiting("Reconciling …", unit=Unit.STEPS, total=len(wanted)) as progress:
        for account_id in wanted:
            progress.show(f"Reconciling {account_id} …")
            try:
                answers.append(broker.reconcile_account(account_id))
                _tell(progress, answers[-1])
            except ProblemAnswered as e:
                refusals.append(account_id)
                click.echo(f"{account_id}: {e}", err=True)
            progress.advance()
    return answers, refusals


def _tell(progress: Waiting, answer: AccountAnswer) -> None:
    hindered = f": {answer.last_error}" if answer.last_error else ""
    progress.tell(f"{answer.account_id} is {answer.state}{hindered}")
