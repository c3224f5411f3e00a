"""`broker accounts`: customers' accounts over the HTTP API, for operators and for scripts."""

from __future__ import annotations

from typing import Literal

import click

from broker.cli.answers.accounts import (
    print_account,
    print_accounts,
    print_plan,
)
from broker.cli.asking import EXIT_CODES, Target, calls_the_broker, tell
from broker.cli.failures import ExitCode
from broker.cli.groups import Group
from broker.cli.parsed import OneOf, Parsed
from broker.client.paging import every
from broker.contract.accounts import AccountBody, AccountPage, AccountPatch, KeyRotationBody
from broker.contract.base import ListQuery
from broker.domain.accounts import Consent, Profile
from broker.domain.identifiers import AccountId, BucketName

_account = click.argument("account_id", metavar="ACCOUNT", type=Parsed(AccountId, "account"))


@click.group(cls=Group)
def accounts() -> None:
    """Register customers' accounts, look after them, and remove them.

    \b
      broker accounts add 111122223333 --customer "Harbour Bank"
      broker accounts list
      broker accounts plan 111122223333
    """


@accounts.command(epilog=EXIT_CODES)
@calls_the_broker
@_account
@click.option("--customer", required=True, help="The customer's name.")
@click.option("--payer", is_flag=True, help="The account pays for an organisation.")
@click.option(
    "--profile",
    type=OneOf(Profile),
    default=Profile.METADATA,
    show_default=True,
    help="How much is read: configuration only, or data too except secrets.",
)
@click.option(
    "--consent",
    type=OneOf((Consent.STANDING, Consent.PER_GRANT)),
    default=Consent.STANDING,
    show_default=True,
    help="Whether an open ticket is enough, or the customer approves each grant.",
)
def add(
    *,
    account_id: AccountId,
    customer: str,
    payer: bool,
    profile: Profile,
    consent: Literal[Consent.STANDING, Consent.PER_GRANT],
    target: Target,
    as_json: bool,
) -> None:
    """Register an account, and print the link with which the customer creates the stack.

    \b
      broker accounts add 111122223333 --customer "Harbour Bank" --profile full
    """
    body = AccountBody(
        account_id=account_id, customer=customer, payer=payer, profile=profile, consent=consent
    )
    with target.broker() as broker:
        answer = broker.register_account(body)
    tell(answer, print_account, as_json=as_json)


@accounts.command(name="list", epilog=EXIT_CODES)
@calls_the_broker
def list_accounts(*, target: Target, as_json: bool) -> None:
    """List all accounts that you may see, with what hinders them.

    \b
      broker accounts list --json | jq -r '.items[] | select(.state != "active").account_id'
    """
    with target.broker() as broker:
        page = AccountPage(items=list(every(broker.list_accounts, ListQuery())), next=None)
    tell(page, print_accounts, as_json=as_json)


@accounts.command(epilog=EXIT_CODES)
@_account
@calls_the_broker
def show(*, account_id: AccountId, target: Target, as_json: bool) -> None:
    """Show an account: its state, what hinders it, its keys, the launch link.

    \b
      broker accounts show 111122223333
    """
    with target.broker() as broker:
        answer = broker.show_account(account_id)
    tell(answer, print_account, as_json=as_json)


@accounts.command(epilog=EXIT_CODES)
@_account
@calls_the_broker
def plan(*, account_id: AccountId, target: Target, as_json: bool) -> None:
    """Show what `sync` would do in the account and why, without doing it.

    \b
      broker accounts plan 111122223333
    """
    with target.broker() as broker:
        answer = broker.plan_account(account_id)
    tell(answer, print_plan, as_json=as_json)


@accounts.command(epilog=f"{EXIT_CODES} An account that is not well after it is 1.")
@_account
@calls_the_broker
@click.pass_context
def sync(ctx: click.Context, *, account_id: AccountId, target: Target, as_json: bool) -> None:
    """Bring the account to what is wanted now, and prove it; the worker does it by itself, later.

    \b
      broker accounts sync 111122223333
    """
    with target.broker() as broker:
        answer = broker.reconcile_account(account_id)
    tell(answer, print_account, as_json=as_json)
    ctx.exit(ExitCode.OK if answer.last_error is None else ExitCode.FAILED)


@accounts.command(epilog=EXIT_CODES)
@_account
@click.argument("consent", type=OneOf(Consent))
@calls_the_broker
def consent(*, account_id: AccountId, consent: Consent, target: Target, as_json: bool) -> None:
    """Set the customer's consent; it takes the customer's own token.

    `off` ends every live session and opens no other, until it is set again.

    \b
      broker accounts consent 111122223333 off
    """
    with target.broker() as broker:
        answer = broker.change_account(account_id, AccountPatch(consent=consent))
    tell(answer, print_account, as_json=as_json)


@accounts.command(epilog=EXIT_CODES)
@_account
@click.argument("bucket", required=False, type=Parsed(BucketName, "bucket"))
@click.option("--none", "no_bucket", is_flag=True, help="Copy to no bucket any more.")
@calls_the_broker
def bucket(
    *,
    account_id: AccountId,
    bucket: BucketName | None,
    no_bucket: bool,
    target: Target,
    as_json: bool,
) -> None:
    """Name the customer's own bucket for signed heads; it takes the customer's own token.

    \b
      broker accounts bucket 111122223333 evidence-of-harbour-bank
      broker accounts bucket 111122223333 --none
    """
    if (bucket is None) is not no_bucket:
        raise click.UsageError("Name one bucket, or say --none.")
    with target.broker() as broker:
        answer = broker.change_account(account_id, AccountPatch(checkpoint_bucket=bucket))
    tell(answer, print_account, as_json=as_json)


@accounts.command(epilog=EXIT_CODES)
@_account
@calls_the_broker
def revoke(*, account_id: AccountId, target: Target, as_json: bool) -> None:
    """End every grant and session of the account, at once. New ones may be asked for.

    `broker revoke account` does the same, and waits until AWS was seen to refuse.

    \b
      broker accounts revoke 111122223333
    """
    with target.broker() as broker:
        answer = broker.revoke_account(account_id)
    tell(answer, print_account, as_json=as_json)


@accounts.command(name="rotate-key", epilog=EXIT_CODES)
@_account
@click.option(
    "--emergency",
    is_flag=True,
    help="Drop the present key at once, and revoke every session: it may be in other hands.",
)
@calls_the_broker
def rotate_key(*, account_id: AccountId, emergency: bool, target: Target, as_json: bool) -> None:
    """Let the next key sign: once AWS has known it for long enough, or, in an emergency, at once.

    \b
      broker accounts rotate-key 111122223333
      broker accounts rotate-key 111122223333 --emergency
    """
    with target.broker() as broker:
        answer = broker.rotate_keys(account_id, KeyRotationBody(emergency=emergency))
    tell(answer, print_account, as_json=as_json)
    if not emergency:
        click.echo(
            "Written down: the published key signs once AWS has known it long enough.", err=True
        )


@accounts.command(epilog=EXIT_CODES)
@_account
@click.option("--yes", is_flag=True, help="Do not ask.")
@calls_the_broker
def remove(*, account_id: AccountId, yes: bool, target: Target, as_json: bool) -> None:
    """Remove the account: sessions end, and roles, provider and keys go. The ledger stays.

    \b
      broker accounts remove 111122223333 --yes
    """
    if not yes:
        click.confirm(
            f"Remove {account_id}? Its sessions end now, and its keys cannot be had back.",
            abort=True,
            err=True,
        )
    with target.broker() as broker:
        answer = broker.remove_account(account_id)
    tell(answer, print_account, as_json=as_json)
