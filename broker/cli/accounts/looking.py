"""What only looks at customers' accounts: the list, one of them, its plan, and waiting for it."""

from __future__ import annotations

import time
from collections.abc import Collection

import click

from broker.cli.accounts.named import account
from broker.cli.answers.accounts import print_account, print_accounts, print_plan
from broker.cli.asking import Target, calls_the_broker, tell
from broker.cli.failures import EXIT_CODES, CommandFailed
from broker.cli.grammar.lengths import Length
from broker.cli.grammar.parsed import OneOf
from broker.cli.progress import waiting
from broker.client.broker import Broker
from broker.client.paging import every
from broker.contract.accounts import AccountAnswer, AccountPage
from broker.contract.base import ListQuery
from broker.domain.accounts import LEAVING, WITHOUT_ROLES, AccountState
from broker.domain.identifiers import AccountId

_EVERY_SECONDS = 2.0


@click.command(name="list", epilog=EXIT_CODES)
@click.option(
    "--state",
    "states",
    type=OneOf(AccountState),
    multiple=True,
    help="Only those in this state; may be given again.",
)
@click.option(
    "--missing-role",
    is_flag=True,
    help="Only those without the support role: their customers have not created the stack, or it "
    "is not whole yet.",
)
@calls_the_broker
def list_accounts(
    *, states: tuple[AccountState, ...], missing_role: bool, target: Target, as_json: bool
) -> None:
    """List all accounts that you may see, with what hinders them.

    \b
      broker accounts list --state degraded
      broker accounts list --missing-role
      broker accounts list --json | jq -r '.items[] | select(.state != "active").account_id'
    """
    wanted: Collection[AccountState] = states or tuple(AccountState)
    if missing_role:
        wanted = [state for state in wanted if state in WITHOUT_ROLES]
    with target.broker() as broker:
        listed = every(broker.list_accounts, ListQuery())
        page = AccountPage(items=[each for each in listed if each.state in wanted], next=None)
    tell(page, print_accounts, as_json=as_json)


@click.command(epilog=EXIT_CODES)
@account
@calls_the_broker
def show(*, account_id: AccountId, target: Target, as_json: bool) -> None:
    """Show an account: its state, what hinders it, its keys, the launch link.

    \b
      broker accounts show 111122223333
    """
    with target.broker() as broker:
        answer = broker.show_account(account_id)
    tell(answer, print_account, as_json=as_json)


@click.command(epilog=EXIT_CODES)
@account
@calls_the_broker
def plan(*, account_id: AccountId, target: Target, as_json: bool) -> None:
    """Show what `sync` would do in the account and why, without doing it.

    \b
      broker accounts plan 111122223333
    """
    with target.broker() as broker, waiting(f"Looking into {account_id} …"):
        answer = broker.plan_account(account_id)
    tell(answer, print_plan, as_json=as_json)


@click.command(epilog=f"{EXIT_CODES} A state that is not reached in time is 1.")
@account
@click.option(
    "--for",
    "state",
    type=OneOf(AccountState),
    default=AccountState.ACTIVE,
    show_default=True,
    help="The state to wait for.",
)
@click.option(
    "--timeout",
    type=Length(),
    default="15m",
    show_default=True,
    help="How long to wait for it, as 1h, 90m or in seconds.",
)
@calls_the_broker
def wait(
    *, account_id: AccountId, state: AccountState, timeout: int, target: Target, as_json: bool
) -> None:
    """Wait until an account is active: the customer has created the stack, and it is proved.

    Changes nothing. Without a hook nobody tells the broker of the stack: `broker accounts sync`.

    \b
      broker accounts wait 111122223333
      broker accounts wait 111122223333 --for removed --timeout 1h
    """
    with target.broker() as broker:
        answer = _reached(broker, account_id, state, seconds=timeout)
    tell(answer, print_account, as_json=as_json)


def _reached(
    broker: Broker, account_id: AccountId, state: AccountState, *, seconds: int
) -> AccountAnswer:
    """The account in this state. Raises CommandFailed where it does not get there."""
    deadline = time.monotonic() + seconds
    seen = None
    with waiting(f"Waiting for {account_id} to be {state} …") as progress:
        while (found := broker.show_account(account_id)).state is not state:
            if found.state is not seen:
                seen = found.state
                progress.tell(f"{account_id} is {seen}; waiting for {state}.")
            if found.state in LEAVING and state not in LEAVING:
                raise CommandFailed(
                    f"{account_id} is {found.state}, and will not be {state}. "
                    "`broker accounts add` registers it anew, once it is removed."
                )
            if time.monotonic() >= deadline:
                raise CommandFailed(_too_late(found, state))
            time.sleep(_EVERY_SECONDS)
    return found


def _too_late(found: AccountAnswer, state: AccountState) -> str:
    why = f": {found.last_error.rstrip('.')}" if found.last_error else ""
    return (
        f"{found.account_id} is still {found.state}, not {state}{why}. "
        f"`broker doctor {found.account_id} --remote` says what to do."
    )
