"""`broker get`: credentials for a ticket, in the form that the next program expects."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Mapping

import click

from broker.cli.asking import Target, finds_the_broker
from broker.cli.parsed import OneOf, Parsed
from broker.contract.sessions import OpenedSessionAnswer, SessionBody
from broker.domain.grants import Access
from broker.domain.identifiers import AccountId, ServiceName, TicketId
from broker.domain.times import rfc3339


def _env(opened: OpenedSessionAnswer) -> str:
    given = opened.credentials
    variables = {
        "AWS_ACCESS_KEY_ID": given.access_key_id,
        "AWS_SECRET_ACCESS_KEY": given.secret_access_key,
        "AWS_SESSION_TOKEN": given.session_token,
        "AWS_CREDENTIAL_EXPIRATION": rfc3339(given.expiration),
    }
    return "\n".join(f"export {name}={shlex.quote(value)}" for name, value in variables.items())


def _json(opened: OpenedSessionAnswer) -> str:
    return opened.model_dump_json(indent=2)


def _credential_process(opened: OpenedSessionAnswer) -> str:
    """As AWS's SDKs read it; without Expiration nothing would ever be refreshed."""
    given = opened.credentials
    return json.dumps(
        {
            "Version": 1,
            "AccessKeyId": given.access_key_id,
            "SecretAccessKey": given.secret_access_key,
            "SessionToken": given.session_token,
            "Expiration": rfc3339(given.expiration),
        }
    )


FORMATS: Mapping[str, Callable[[OpenedSessionAnswer], str]] = {
    "env": _env,
    "json": _json,
    "credential-process": _credential_process,
}


@click.command(epilog="Exit codes: 0 given, 1 failed (try again), 2 wrong usage, 3 refused.")
@click.option(
    "--account",
    required=True,
    type=Parsed(AccountId, "account"),
    help="AWS account id, twelve digits.",
)
@click.option(
    "--ticket",
    required=True,
    type=Parsed(TicketId, "ticket"),
    help="The support ticket that is the reason.",
)
@click.option(
    "--access",
    type=OneOf(Access),
    default=Access.READ,
    show_default=True,
    help="Read the account, or raise AWS support cases for it.",
)
@click.option("--reason", default="", help="What you are going to do; the customer reads it.")
@click.option(
    "--duration",
    type=click.IntRange(min=900),
    show_default="an hour, or what is left of the grant",
    help="Seconds that the credentials last.",
)
@click.option(
    "--service",
    "services",
    type=Parsed(ServiceName, "service"),
    multiple=True,
    help="Narrow the session to a service, as in IAM actions (ec2); may be repeated.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(list(FORMATS)),
    default="env",
    show_default=True,
    help="Shell exports, the whole answer, or what credential_process in ~/.aws/config expects.",
)
@finds_the_broker
def get(
    *,
    account: AccountId,
    ticket: TicketId,
    access: Access,
    reason: str,
    duration: int | None,
    services: tuple[ServiceName, ...],
    form: str,
    target: Target,
) -> None:
    """Get short-lived AWS credentials for a ticket.

    \b
    In the shell:
      eval "$(broker get --account 111122223333 --ticket T-1042)"
      aws sts get-caller-identity
    In ~/.aws/config:
      [profile acme]
      credential_process = broker get --account 111122223333 --ticket T-1042 --format credential-process
    """  # noqa: E501 - a line of a configuration file cannot be wrapped
    body = SessionBody(
        account_id=account,
        ticket=ticket,
        reason=reason,
        access=access,
        duration_seconds=duration,
        services=list(services),
    )
    with target.broker() as broker:
        opened = broker.open_session(body)
    click.echo(FORMATS[form](opened))
