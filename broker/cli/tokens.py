"""`broker tokens`: API tokens, made by the operator at the machine that holds the store."""

from __future__ import annotations

import json
from datetime import timedelta

import click

from broker import settings
from broker.cli.operator import operators_call
from broker.domain.identifiers import AccountId, EngineerId
from broker.domain.permissions import Role
from broker.services.api_tokens import NewApiToken
from broker.services.observations import Unobserved
from broker.wiring import build


@click.group()
def tokens() -> None:
    """Make API tokens for services and, in the sandbox, for people.

    \b
      broker tokens create --subject ops --role admin
    """


@tokens.command()
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
    "--days", type=click.IntRange(1, 366), default=90, show_default=True, help="Days it is valid."
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

    Works on the store itself, so it is how the first token comes about; later ones can be made
    over the API.

    \b
      broker tokens create --subject jane@vendor.example --role engineer
      broker tokens create --subject acme --role customer --account 111122223333
    """
    new = _new(subject, roles, accounts)
    services = build(settings.load(), Unobserved())
    try:
        token, secret = services.api_tokens.issue(
            NewApiToken(
                subject=new[0],
                roles=new[1],
                account_ids=new[2],
                expires_at=services.clock() + timedelta(days=days),
            ),
            operators_call(),
        )
    finally:
        services.close()
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
