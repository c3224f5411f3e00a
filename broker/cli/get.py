"""`broker get`: credentials for a ticket, in the form that the next program expects."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Mapping

import click
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from broker.cli.client import BrokerClient, not_a_broker
from broker.cli.parsed import Parsed
from broker.domain.identifiers import AccountId, TicketId


class _Given(BaseModel):
    """Credentials as the broker answers them."""

    access_key_id: str
    secret_access_key: str = Field(repr=False)
    session_token: str = Field(repr=False)
    expiration: str


class _Opened(BaseModel):
    """What the formats need of a session's answer, whose other members `json` passes on."""

    model_config = ConfigDict(extra="allow")

    credentials: _Given


def _env(opened: _Opened) -> str:
    given = opened.credentials
    variables = {
        "AWS_ACCESS_KEY_ID": given.access_key_id,
        "AWS_SECRET_ACCESS_KEY": given.secret_access_key,
        "AWS_SESSION_TOKEN": given.session_token,
        "AWS_CREDENTIAL_EXPIRATION": given.expiration,
    }
    return "\n".join(f"export {name}={shlex.quote(value)}" for name, value in variables.items())


def _json(opened: _Opened) -> str:
    return opened.model_dump_json(indent=2)


def _credential_process(opened: _Opened) -> str:
    """As AWS's SDKs read it; without Expiration nothing would ever be refreshed."""
    given = opened.credentials
    return json.dumps(
        {
            "Version": 1,
            "AccessKeyId": given.access_key_id,
            "SecretAccessKey": given.secret_access_key,
            "SessionToken": given.session_token,
            "Expiration": given.expiration,
        }
    )


FORMATS: Mapping[str, Callable[[_Opened], str]] = {
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
    type=click.Choice(["read", "case"]),
    default="read",
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
@click.option("--url", envvar="BROKER_URL", required=True, show_envvar=True, help="The broker.")
@click.option(
    "--token",
    envvar="BROKER_TOKEN",
    required=True,
    show_envvar=True,
    help="Your API token; better in the environment, where other users cannot see it.",
)
def get(  # noqa: PLR0913 - one argument an option
    *,
    account: AccountId,
    ticket: TicketId,
    access: str,
    reason: str,
    duration: int | None,
    services: tuple[str, ...],
    form: str,
    url: str,
    token: str,
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
    with BrokerClient(url, token) as broker:
        answer = broker.request(
            "POST",
            "/v1/sessions",
            {
                "account_id": account,
                "ticket": ticket,
                "reason": reason,
                "access": access,
                "services": list(services),
                **({} if duration is None else {"duration_seconds": duration}),
            },
        )
    click.echo(FORMATS[form](_parsed(answer, url)))


def _parsed(answer: object, url: str) -> _Opened:
    try:
        return _Opened.model_validate(answer)
    except ValidationError:
        # Not chained: pydantic's error repeats what was sent, which may be half of a secret.
        raise not_a_broker(url) from None
