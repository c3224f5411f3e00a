"""`broker tokens`: API tokens, made at the machine that holds the store, looked after over HTTP."""

from __future__ import annotations

import json
from datetime import timedelta

import click

from broker.cli.answers.tokens import print_tokens
from broker.cli.asking import Target, calls_the_broker, tell
from broker.cli.failures import EXIT_CODES
from broker.cli.grammar.groups import Group
from broker.cli.operator import operators_call, services_here
from broker.client.paging import every
from broker.contract.api_tokens import ApiTokenPage
from broker.contract.base import ListQuery
from broker.domain.identifiers import AccountId, EngineerId
from broker.domain.identity.api_tokens import TOKEN_ID
from broker.domain.identity.permissions import Role
from broker.services.identity.api_tokens import NewApiToken


@click.group(cls=Group)
def tokens() -> None:
    """Make API tokens for services and, in the sandbox, for people; list and revoke them.

    \b
      broker tokens create --subject ops --role admin
      broker tokens list
      broker tokens revoke 0123456789ab
    """


@tokens.command(epilog="Exit codes: 0 done, 1 failed (try again), 2 wrong usage or settings.")
@click.option("--subject", required=True, help="Who the bearer is: an engineer, or a service.")
@click.option(
    "--role",
    "roles",
    type=click.Choice([role.value for role in Role]),
    multiple=True,
    required=True,
    help="What the bearer may do; may be repeated.",
)
@click.option(
    "--account",
    "accounts",
    multiple=True,
    help="Bind the token to an account; may be repeated. A customer's token needs one.",
)
@click.option(
    "--days", type=click.IntRange(min=1), default=90, show_default=True, help="Days it is valid."
)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object instead of the secret.")
def create(
    *,
    subject: str,
    roles: tuple[str, ...],
    accounts: tuple[str, ...],
    days: int,
    as_json: bool,
) -> None:
    """Make an API token and print it, once.

    Works on the store itself, with the broker's settings in the environment, so it is how the
    first token comes about; later ones can be made over the API (`POST /v1/tokens`).

    \b
      broker tokens create --subject jane@vendor.example --role engineer
      broker tokens create --subject acme --role customer --account 111122223333
    """
    new = _new(subject, roles, accounts)
    with services_here() as services:
        token, secret = services.api_tokens.issue(
            NewApiToken(
                subject=new[0],
                roles=new[1],
                account_ids=new[2],
                expires_at=services.clock() + timedelta(days=days),
            ),
            operators_call(),
        )
    if as_json:
        click.echo(json.dumps({"id": token.token_id, "secret": secret}))
    else:
        click.echo(secret)


def _new(
    subject: str, roles: tuple[str, ...], accounts: tuple[str, ...]
) -> tuple[EngineerId, tuple[Role, ...], tuple[AccountId, ...]]:
    try:
        who = EngineerId.parse(subject)
        where = tuple(AccountId.parse(account) for account in accounts)
    except ValueError as e:
        raise click.UsageError(f"A subject or an account {e}.") from e
    what = tuple(Role(role) for role in roles)
    if Role.CUSTOMER in what and not where:
        raise click.UsageError("A customer's token needs --account: without it, it sees nothing.")
    return who, what, where


@tokens.command(name="list", epilog=EXIT_CODES)
@calls_the_broker
def list_tokens(*, target: Target, as_json: bool) -> None:
    """List all API tokens: whose, what for, until when, and when each was last used.

    \b
      broker tokens list
      broker tokens list --json
    """
    with target.broker() as broker:
        page = ApiTokenPage(items=list(every(broker.list_api_tokens, ListQuery())), next=None)
    tell(page, print_tokens, as_json=as_json)


class _TokenId(click.ParamType[str]):
    """An API token's id: the part between the underscores, and never the token itself."""

    name = "id"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if TOKEN_ID.fullmatch(value) is None:
            # It is not repeated: who mistakes the one for the other pastes a secret here.
            self.fail("It must be an API token's id, twelve hexadecimal digits.", param, ctx)
        return value


@tokens.command(epilog=EXIT_CODES)
@click.argument("token_id", metavar="ID", type=_TokenId())
@calls_the_broker
def revoke(*, token_id: str, target: Target, as_json: bool) -> None:
    """End an API token at once: the next request with it is refused.

    \b
      broker tokens revoke 0123456789ab
    """
    with target.broker() as broker:
        broker.revoke_api_token(token_id)
    click.echo(json.dumps({"id": token_id, "revoked": True}) if as_json else f"{token_id} revoked.")
