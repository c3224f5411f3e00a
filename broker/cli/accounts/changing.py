"""What changes a customer's account: registration, consent, keys, removal."""

from __future__ import annotations

from typing import Literal

import click

from broker.cli.accounts.named import account
from broker.cli.answers.accounts import print_account
from broker.cli.asking import Target, calls_the_broker, tell
from broker.cli.failures import EXIT_CODES
from broker.cli.grammar.parsed import OneOf, Parsed
from broker.cli.progress import waiting
from broker.contract.accounts import AccountBody, AccountPatch, KeyRotationBody
from broker.domain.accounts import Consent, Profile
from broker.domain.identifiers import AccountId, BucketName


@click.command(epilog=EXIT_CODES)
@calls_the_broker
@account
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
    with target.broker() as broker, waiting("Making its keys …"):
        answer = broker.register_account(body)
    tell(answer, print_account, as_json=as_json)


@click.command(epilog=EXIT_CODES)
@calls_the_broker
@account
@click.option("--profile", type=OneOf(Profile), help="How much is read from now on.")
@click.option("--payer/--no-payer", default=None, help="Whether it pays for an organisation.")
def change(
    *,
    account_id: AccountId,
    profile: Profile | None,
    payer: bool | None,
    target: Target,
    as_json: bool,
) -> None:
    """Change how much is read in an account. Live sessions keep their role, and see the change.

    `broker accounts sync` carries it out now, the worker soon.

    \b
      broker accounts change 111122223333 --profile full
      broker accounts change 111122223333 --no-payer
    """
    given = {"profile": profile, "payer": payer}
    said = {name: value for name, value in given.items() if value is not None}
    if not said:
        raise click.UsageError("Say what is to change: --profile, --payer or --no-payer.")
    with target.broker() as broker:
        answer = broker.change_account(account_id, AccountPatch.model_validate(said))
    tell(answer, print_account, as_json=as_json)


@click.command(epilog=EXIT_CODES)
@account
@click.argument("consent", type=OneOf(Consent))
@calls_the_broker
def consent(*, account_id: AccountId, consent: Consent, target: Target, as_json: bool) -> None:
    """Set the customer's consent; it takes the customer's own token.

    With `standing` an open ticket is enough; with `per_grant` somebody on the customer's side
    approves each access, and sessions that are live go on. `off` ends every live session and
    opens no other, until it is set again.

    \b
      broker accounts consent 111122223333 per_grant
      broker accounts consent 111122223333 off
    """
    with target.broker() as broker, waiting(f"Setting the consent of {account_id} …"):
        answer = broker.change_account(account_id, AccountPatch(consent=consent))
    tell(answer, print_account, as_json=as_json)


@click.command(epilog=EXIT_CODES)
@account
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


@click.command(epilog=EXIT_CODES)
@account
@calls_the_broker
def revoke(*, account_id: AccountId, target: Target, as_json: bool) -> None:
    """End every grant and session of the account, at once; for its customer, with their own token.

    New ones may be asked for: `broker accounts consent` switches access off. Operators have
    `broker revoke account`, which gives a reason and waits until AWS was seen to refuse.

    \b
      broker accounts revoke 111122223333
    """
    with target.broker() as broker, waiting(f"Ending what is open in {account_id} …"):
        answer = broker.revoke_account(account_id)
    tell(answer, print_account, as_json=as_json)


@click.command(name="rotate-key", epilog=EXIT_CODES)
@account
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
    with target.broker() as broker, waiting(f"Changing the key of {account_id} …"):
        answer = broker.rotate_keys(account_id, KeyRotationBody(emergency=emergency))
    tell(answer, print_account, as_json=as_json)
    if not emergency:
        click.echo(
            "Written down: the published key signs once AWS has known it long enough.", err=True
        )


@click.command(epilog=EXIT_CODES)
@account
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
    with target.broker() as broker, waiting(f"Removing {account_id} …"):
        answer = broker.remove_account(account_id)
    tell(answer, print_account, as_json=as_json)
