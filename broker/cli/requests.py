"""`broker requests`: asking for grants, and deciding on what others ask for."""

from __future__ import annotations

import click

from broker.cli.answers.grants import GrantShown, GrantsShown, print_grant, print_grants
from broker.cli.asking import EXIT_CODES, all_items, calls_the_broker, tell
from broker.cli.client import BrokerClient
from broker.cli.groups import Group
from broker.cli.parsed import Parsed
from broker.domain.grants import Access, GrantState
from broker.domain.identifiers import AccountId, EngineerId, GrantId, TicketId

_ACCOUNT, _TICKET = Parsed(AccountId, "account"), Parsed(TicketId, "ticket")
_ENGINEER = Parsed(EngineerId, "engineer")

_ROUTINELY, _IN_AN_EMERGENCY = 14_400, 3_600
"""Seconds that are asked for where nobody says how many."""

_grant = click.argument("grant_id", metavar="GRANT", type=Parsed(GrantId, "grant"))
_reason = click.option(
    "--reason", default="", help="Why; the engineer and the customer read it in the ledger."
)


@click.group(cls=Group)
def requests() -> None:
    """Ask for grants where the customer approves each access, and decide on requests of others.

    \b
      broker requests create --account 111122223333 --ticket T-1042 --reason "slow queries"
      broker requests list --state requested
      broker requests approve gr-0123456789abcdef0123
    """


@requests.command(epilog=EXIT_CODES)
@click.option("--account", required=True, type=_ACCOUNT, help="AWS account id, twelve digits.")
@click.option("--ticket", required=True, type=_TICKET, help="The support ticket.")
@click.option("--reason", default="", help="What you are going to do; the customer reads it.")
@click.option(
    "--access",
    type=click.Choice([access.value for access in Access]),
    default=Access.READ.value,
    show_default=True,
    help="Read the account, or raise AWS support cases for it.",
)
@click.option(
    "--duration",
    type=click.IntRange(min=900),
    show_default="14400, or 3600 with --break-glass",
    help="Seconds that the grant lasts from its approval; sessions under it end within.",
)
@click.option(
    "--break-glass",
    is_flag=True,
    help="Do not wait for approval: customer and admins are told at once. Needs the role.",
)
@click.option("--on-behalf-of", type=_ENGINEER, help="The engineer, where a console asks.")
@calls_the_broker
def create(  # noqa: PLR0913 - one argument an option
    *,
    account: str,
    ticket: str,
    reason: str,
    access: str,
    duration: int | None,
    break_glass: bool,
    on_behalf_of: str | None,
    as_json: bool,
    url: str,
    token: str,
) -> None:
    """Ask for a grant. While a request for the same waits, asking again shows that one.

    \b
      broker requests create --account 111122223333 --ticket T-1042 --reason "slow queries"
    """
    body = {
        "account_id": account,
        "ticket": ticket,
        "reason": reason,
        "access": access,
        "duration_seconds": duration or (_IN_AN_EMERGENCY if break_glass else _ROUTINELY),
        "break_glass": break_glass,
        "on_behalf_of": on_behalf_of,
    }
    with BrokerClient(url, token) as broker:
        answer = broker.request("POST", "/v1/grants", body)
    tell(answer, url, as_json=as_json, show=print_grant, model=GrantShown)


@requests.command(name="list", epilog=EXIT_CODES)
@click.option("--account", type=_ACCOUNT, help="Only those in this account.")
@click.option("--ticket", type=_TICKET, help="Only those for this ticket.")
@click.option("--engineer", type=_ENGINEER, help="Only those of this engineer.")
@click.option(
    "--state",
    type=click.Choice([state.value for state in GrantState]),
    help="Only those in this state; `requested` are those to decide on.",
)
@calls_the_broker
def list_requests(
    *,
    account: str | None,
    ticket: str | None,
    engineer: str | None,
    state: str | None,
    as_json: bool,
    url: str,
    token: str,
) -> None:
    """List the grants that you may see, and the requests for them, newest first.

    \b
      broker requests list --state requested
    """
    filters = {"account_id": account, "ticket": ticket, "engineer": engineer, "state": state}
    with BrokerClient(url, token) as broker:
        answer = {"items": list(all_items(broker, url, "/v1/grants", filters))}
    tell(answer, url, as_json=as_json, show=print_grants, model=GrantsShown)


@requests.command(epilog=EXIT_CODES)
@_grant
@calls_the_broker
def show(*, grant_id: str, as_json: bool, url: str, token: str) -> None:
    """Show one grant: who asked for what and why, and what became of it.

    \b
      broker requests show gr-0123456789abcdef0123
    """
    with BrokerClient(url, token) as broker:
        answer = broker.request("GET", f"/v1/grants/{grant_id}")
    tell(answer, url, as_json=as_json, show=print_grant, model=GrantShown)


@requests.command(epilog=EXIT_CODES)
@_grant
@_reason
@calls_the_broker
def approve(*, grant_id: str, reason: str, as_json: bool, url: str, token: str) -> None:
    """Approve a request of somebody else; the grant lasts from now.

    \b
      broker requests approve gr-0123456789abcdef0123 --reason "as agreed on the phone"
    """
    _decide("approval", grant_id, reason, as_json=as_json, url=url, token=token)


@requests.command(epilog=EXIT_CODES)
@_grant
@_reason
@calls_the_broker
def deny(*, grant_id: str, reason: str, as_json: bool, url: str, token: str) -> None:
    """Deny a request of somebody else.

    \b
      broker requests deny gr-0123456789abcdef0123 --reason "not during the release"
    """
    _decide("denial", grant_id, reason, as_json=as_json, url=url, token=token)


@requests.command(epilog=EXIT_CODES)
@_grant
@_reason
@calls_the_broker
def revoke(*, grant_id: str, reason: str, as_json: bool, url: str, token: str) -> None:
    """End a grant and every session under it, or withdraw a request.

    \b
      broker requests revoke gr-0123456789abcdef0123 --reason "done"
    """
    _decide("revocation", grant_id, reason, as_json=as_json, url=url, token=token)


def _decide(what: str, grant_id: str, reason: str, *, as_json: bool, url: str, token: str) -> None:
    with BrokerClient(url, token) as broker:
        answer = broker.request("POST", f"/v1/grants/{grant_id}/{what}", {"reason": reason})
    tell(answer, url, as_json=as_json, show=print_grant, model=GrantShown)
