"""`broker accounts`: customers' accounts over the HTTP API, for operators and for scripts."""

from __future__ import annotations

import click

from broker.cli.answers.accounts import (
    AccountShown,
    AccountsShown,
    PlanShown,
    print_account,
    print_accounts,
    print_plan,
)
from broker.cli.asking import EXIT_CODES, all_items, calls_the_broker, tell
from broker.cli.client import BrokerClient
from broker.cli.failures import ExitCode
from broker.cli.groups import Group
from broker.domain.accounts import Consent, Profile
from broker.domain.identifiers import AccountId


class _AccountId(click.ParamType[AccountId]):
    """Twelve digits; nothing else gets into an address of the API."""

    name = "account"

    def convert(
        self, value: str, param: click.Parameter | None, ctx: click.Context | None
    ) -> AccountId:
        try:
            return AccountId.parse(value)
        except ValueError as e:
            self.fail(f"It {e}.", param, ctx)


_account = click.argument("account_id", metavar="ACCOUNT", type=_AccountId())


@click.group(cls=Group)
def accounts() -> None:
    """Register customers' accounts, look after them, and remove them.

    \b
      broker accounts add 111122223333 --customer "Harbour Bank"
      broker accounts list
      broker accounts plan 111122223333
    """


@accounts.command(epilog=EXIT_CODES)
@_account
@click.option("--customer", required=True, help="The customer's name.")
@click.option("--payer", is_flag=True, help="The account pays for an organisation.")
@click.option(
    "--profile",
    type=click.Choice([profile.value for profile in Profile]),
    default=Profile.METADATA.value,
    show_default=True,
    help="How much is read: configuration only, or data too except secrets.",
)
@click.option(
    "--consent",
    type=click.Choice([Consent.STANDING.value, Consent.PER_GRANT.value]),
    default=Consent.STANDING.value,
    show_default=True,
    help="Whether an open ticket is enough, or the customer approves each grant.",
)
@calls_the_broker
def add(
    *,
    account_id: AccountId,
    customer: str,
    payer: bool,
    profile: str,
    consent: str,
    as_json: bool,
    url: str,
    token: str,
) -> None:
    """Register an account, and print the link with which the customer creates the stack.

    \b
      broker accounts add 111122223333 --customer "Harbour Bank" --profile full
    """
    body = {
        "account_id": account_id,
        "customer": customer,
        "payer": payer,
        "profile": profile,
        "consent": consent,
    }
    with BrokerClient(url, token) as broker:
        answer = broker.request("POST", "/v1/accounts", body)
    tell(answer, url, as_json=as_json, show=print_account, model=AccountShown)


@accounts.command(name="list", epilog=EXIT_CODES)
@calls_the_broker
def list_accounts(*, as_json: bool, url: str, token: str) -> None:
    """List all accounts that you may see, with what hinders them.

    \b
      broker accounts list --json | jq -r '.items[] | select(.state != "active").account_id'
    """
    with BrokerClient(url, token) as broker:
        answer = {"items": list(all_items(broker, url, "/v1/accounts"))}
    tell(answer, url, as_json=as_json, show=print_accounts, model=AccountsShown)


@accounts.command(epilog=EXIT_CODES)
@_account
@calls_the_broker
def show(*, account_id: AccountId, as_json: bool, url: str, token: str) -> None:
    """Show an account: its state, what hinders it, its keys, the launch link.

    \b
      broker accounts show 111122223333
    """
    with BrokerClient(url, token) as broker:
        answer = broker.request("GET", f"/v1/accounts/{account_id}")
    tell(answer, url, as_json=as_json, show=print_account, model=AccountShown)


@accounts.command(epilog=EXIT_CODES)
@_account
@calls_the_broker
def plan(*, account_id: AccountId, as_json: bool, url: str, token: str) -> None:
    """Show what `sync` would do in the account and why, without doing it.

    \b
      broker accounts plan 111122223333
    """
    with BrokerClient(url, token) as broker:
        answer = broker.request("GET", f"/v1/accounts/{account_id}/plan")
    tell(answer, url, as_json=as_json, show=print_plan, model=PlanShown)


@accounts.command(epilog=f"{EXIT_CODES} An account that is not well after it is 1.")
@_account
@calls_the_broker
@click.pass_context
def sync(ctx: click.Context, *, account_id: AccountId, as_json: bool, url: str, token: str) -> None:
    """Bring the account to what is wanted now, and prove it; the worker does it by itself, later.

    \b
      broker accounts sync 111122223333
    """
    with BrokerClient(url, token) as broker:
        answer = broker.request("POST", f"/v1/accounts/{account_id}/reconciliation")
    account = tell(answer, url, as_json=as_json, show=print_account, model=AccountShown)
    ctx.exit(ExitCode.OK if account.last_error is None else ExitCode.FAILED)


@accounts.command(epilog=EXIT_CODES)
@_account
@click.argument("consent", type=click.Choice([consent.value for consent in Consent]))
@calls_the_broker
def consent(*, account_id: AccountId, consent: str, as_json: bool, url: str, token: str) -> None:
    """Set the customer's consent; it takes the customer's own token.

    `off` ends every live session and opens no other, until it is set again.

    \b
      broker accounts consent 111122223333 off
    """
    with BrokerClient(url, token) as broker:
        answer = broker.request("PATCH", f"/v1/accounts/{account_id}", {"consent": consent})
    tell(answer, url, as_json=as_json, show=print_account, model=AccountShown)


@accounts.command(epilog=EXIT_CODES)
@_account
@click.argument("bucket", required=False)
@click.option("--none", "no_bucket", is_flag=True, help="Copy to no bucket any more.")
@calls_the_broker
def bucket(
    *,
    account_id: AccountId,
    bucket: str | None,
    no_bucket: bool,
    as_json: bool,
    url: str,
    token: str,
) -> None:
    """Name the customer's own bucket for signed heads; it takes the customer's own token.

    \b
      broker accounts bucket 111122223333 evidence-of-harbour-bank
      broker accounts bucket 111122223333 --none
    """
    if (bucket is None) is not no_bucket:
        raise click.UsageError("Name one bucket, or say --none.")
    with BrokerClient(url, token) as broker:
        body = {"checkpoint_bucket": bucket}
        answer = broker.request("PATCH", f"/v1/accounts/{account_id}", body)
    tell(answer, url, as_json=as_json, show=print_account, model=AccountShown)


@accounts.command(epilog=EXIT_CODES)
@_account
@calls_the_broker
def revoke(*, account_id: AccountId, as_json: bool, url: str, token: str) -> None:
    """End every grant and session of the account, at once. New ones may be asked for.

    `broker revoke account` does the same, and waits until AWS was seen to refuse.

    \b
      broker accounts revoke 111122223333
    """
    with BrokerClient(url, token) as broker:
        answer = broker.request("POST", f"/v1/accounts/{account_id}/revocation")
    tell(answer, url, as_json=as_json, show=print_account, model=AccountShown)


@accounts.command(name="rotate-key", epilog=EXIT_CODES)
@_account
@click.option(
    "--emergency",
    is_flag=True,
    help="Drop the present key at once, and revoke every session: it may be in other hands.",
)
@calls_the_broker
def rotate_key(
    *, account_id: AccountId, emergency: bool, as_json: bool, url: str, token: str
) -> None:
    """Let the next key sign: once AWS has known it for long enough, or, in an emergency, at once.

    \b
      broker accounts rotate-key 111122223333
      broker accounts rotate-key 111122223333 --emergency
    """
    with BrokerClient(url, token) as broker:
        answer = broker.request(
            "POST", f"/v1/accounts/{account_id}/key-rotation", {"emergency": emergency}
        )
    tell(answer, url, as_json=as_json, show=print_account, model=AccountShown)
    if not emergency:
        click.echo(
            "Written down: the published key signs once AWS has known it long enough.", err=True
        )


@accounts.command(epilog=EXIT_CODES)
@_account
@click.option("--yes", is_flag=True, help="Do not ask.")
@calls_the_broker
def remove(*, account_id: AccountId, yes: bool, as_json: bool, url: str, token: str) -> None:
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
    with BrokerClient(url, token) as broker:
        answer = broker.request("DELETE", f"/v1/accounts/{account_id}")
    tell(answer, url, as_json=as_json, show=print_account, model=AccountShown)
