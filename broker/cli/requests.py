"""`broker requests`: asking for grants, and deciding on what others ask for."""

from __future__ import annotations

import click

from broker.cli.answers.grants import print_grant, print_grants
from broker.cli.asking import Target, calls_the_broker, tell
from broker.cli.failures import EXIT_CODES
from broker.cli.grammar.groups import Group
from broker.cli.grammar.lengths import Length
from broker.cli.grammar.parsed import OneOf, Parsed
from broker.cli.opening.wanted import GRANT_SECONDS
from broker.cli.progress import waiting
from broker.client.paging import every
from broker.contract.grants import (
    ApprovalLinkBody,
    DecisionBody,
    GrantBody,
    GrantListQuery,
    GrantPage,
)
from broker.domain.grants import Access, GrantState
from broker.domain.identifiers import AccountId, EngineerId, GrantId, TicketId
from broker.domain.plain_text import plain

_ACCOUNT, _TICKET = Parsed(AccountId, "account"), Parsed(TicketId, "ticket")
_ENGINEER = Parsed(EngineerId, "engineer")

_IN_AN_EMERGENCY = 3_600
"""Seconds for which a grant is asked for that waits for nobody."""

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
    type=OneOf(Access),
    default=Access.READ,
    show_default=True,
    help="Read the account, or raise AWS support cases for it.",
)
@click.option(
    "--duration",
    type=Length(least=900),
    show_default="4h, or 1h with --break-glass",
    help="How long the grant lasts from its approval: 15m or longer, as 1h, 90m or in seconds. "
    "Sessions under it end within.",
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
    account: AccountId,
    ticket: TicketId,
    reason: str,
    access: Access,
    duration: int | None,
    break_glass: bool,
    on_behalf_of: EngineerId | None,
    target: Target,
    as_json: bool,
) -> None:
    """Ask for a grant. While a request for the same waits, asking again shows that one.

    \b
      broker requests create --account 111122223333 --ticket T-1042 --reason "slow queries"
    """
    body = GrantBody(
        account_id=account,
        ticket=ticket,
        reason=reason,
        access=access,
        duration_seconds=duration or (_IN_AN_EMERGENCY if break_glass else GRANT_SECONDS),
        break_glass=break_glass,
        on_behalf_of=on_behalf_of,
    )
    with target.broker() as broker:
        answer = broker.request_grant(body)
    tell(answer, print_grant, as_json=as_json)


@requests.command(name="list", epilog=EXIT_CODES)
@click.option("--account", type=_ACCOUNT, help="Only those in this account.")
@click.option("--ticket", type=_TICKET, help="Only those for this ticket.")
@click.option("--engineer", type=_ENGINEER, help="Only those of this engineer.")
@click.option(
    "--state",
    type=OneOf(GrantState),
    help="Only those in this state; `requested` are those to decide on.",
)
@calls_the_broker
def list_requests(
    *,
    account: AccountId | None,
    ticket: TicketId | None,
    engineer: EngineerId | None,
    state: GrantState | None,
    target: Target,
    as_json: bool,
) -> None:
    """List the grants that you may see, and the requests for them, newest first.

    \b
      broker requests list --state requested
    """
    query = GrantListQuery(account_id=account, ticket=ticket, engineer=engineer, state=state)
    with target.broker() as broker:
        page = GrantPage(items=list(every(broker.list_grants, query)), next=None)
    tell(page, print_grants, as_json=as_json)


@requests.command(epilog=EXIT_CODES)
@_grant
@calls_the_broker
def show(*, grant_id: GrantId, target: Target, as_json: bool) -> None:
    """Show one grant: who asked for what and why, and what became of it.

    \b
      broker requests show gr-0123456789abcdef0123
    """
    with target.broker() as broker:
        answer = broker.show_grant(grant_id)
    tell(answer, print_grant, as_json=as_json)


@requests.command(epilog=EXIT_CODES)
@_grant
@_reason
@calls_the_broker
def approve(*, grant_id: GrantId, reason: str, target: Target, as_json: bool) -> None:
    """Approve a request of somebody else; the grant lasts from now.

    \b
      broker requests approve gr-0123456789abcdef0123 --reason "as agreed on the phone"
    """
    with target.broker() as broker:
        answer = broker.approve_grant(grant_id, DecisionBody(reason=reason))
    tell(answer, print_grant, as_json=as_json)


@requests.command(epilog=EXIT_CODES)
@_grant
@_reason
@calls_the_broker
def deny(*, grant_id: GrantId, reason: str, target: Target, as_json: bool) -> None:
    """Deny a request of somebody else.

    \b
      broker requests deny gr-0123456789abcdef0123 --reason "not during the release"
    """
    with target.broker() as broker:
        answer = broker.deny_grant(grant_id, DecisionBody(reason=reason))
    tell(answer, print_grant, as_json=as_json)


@requests.command(epilog=EXIT_CODES)
@_grant
@click.option("--approver", required=True, type=_ENGINEER, help="Who decides, as they sign in.")
@calls_the_broker
def link(*, grant_id: GrantId, approver: EngineerId, target: Target, as_json: bool) -> None:
    """Make a link through which one person decides, once, within fifteen minutes.

    \b
      broker requests link gr-0123456789abcdef0123 --approver carl@customer.example
    """
    with target.broker() as broker:
        answer = broker.make_approval_link(grant_id, ApprovalLinkBody(approver=approver))
    tell(answer, lambda made: click.echo(plain(made.url)), as_json=as_json)


@requests.command(epilog=EXIT_CODES)
@_grant
@_reason
@calls_the_broker
def revoke(*, grant_id: GrantId, reason: str, target: Target, as_json: bool) -> None:
    """End a grant and every session under it, or withdraw a request.

    \b
      broker requests revoke gr-0123456789abcdef0123 --reason "done"
    """
    with target.broker() as broker, waiting(f"Ending {grant_id} …"):
        answer = broker.revoke_grant(grant_id, DecisionBody(reason=reason))
    tell(answer, print_grant, as_json=as_json)
