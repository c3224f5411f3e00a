"""`broker sessions`: what was opened, what it did, and ending it."""

from __future__ import annotations

from datetime import UTC, datetime

import click

from broker.cli import revoke
from broker.cli.answers.sessions import print_activity, print_session, print_sessions
from broker.cli.asking import Target, calls_the_broker, tell
from broker.cli.failures import EXIT_CODES
from broker.cli.grammar.groups import Group
from broker.cli.grammar.parsed import Parsed
from broker.cli.progress import waiting
from broker.client.broker import Broker
from broker.client.paging import every, parts
from broker.contract.base import LARGEST_PART, AccountListQuery
from broker.contract.sessions import SessionAnswer, SessionPage
from broker.contract.trail import ActivityPage, ActivityQuery
from broker.domain.identifiers import AccountId, EngineerId, SessionId, TicketId
from broker.domain.sessions import is_live
from broker.domain.trail.events import Unseen

_session = click.argument("session_id", metavar="SESSION", type=Parsed(SessionId, "session"))


@click.group(cls=Group)
def sessions() -> None:
    """See which sessions were opened and what they did, and end them.

    \b
      broker sessions list --account 111122223333
      broker sessions activity s-0123456789abcdef0123
    """


sessions.add_command(revoke.session, name="revoke")


@sessions.command(name="list", epilog=EXIT_CODES)
@click.option("--account", type=Parsed(AccountId, "account"), help="Only those in this account.")
@click.option("--ticket", type=Parsed(TicketId, "ticket"), help="Only those for this ticket.")
@click.option("--engineer", type=Parsed(EngineerId, "engineer"), help="Only those of them.")
@click.option("--live", is_flag=True, help="Only those that are neither over nor revoked.")
@calls_the_broker
def list_sessions(
    *,
    account: AccountId | None,
    ticket: TicketId | None,
    engineer: EngineerId | None,
    live: bool,
    target: Target,
    as_json: bool,
) -> None:
    """List the sessions that you may see, newest first.

    \b
      broker sessions list --account 111122223333 --live
      broker sessions list --ticket T-1042 --json | jq -r '.items[].id'
    """
    now = datetime.now(UTC)

    def wanted(session: SessionAnswer) -> bool:
        return (
            ticket in (None, session.ticket)
            and engineer in (None, session.engineer)
            and (not live or is_live(session, now))
        )

    query = AccountListQuery(account_id=account)
    with target.broker() as broker, waiting("Reading the sessions …"):
        found = [each for each in every(broker.list_sessions, query) if wanted(each)]
    tell(SessionPage(items=found, next=None), print_sessions, as_json=as_json)


@sessions.command(epilog=EXIT_CODES)
@_session
@calls_the_broker
def show(*, session_id: SessionId, target: Target, as_json: bool) -> None:
    """Show one session: whose it is, for which ticket, and how far its revocation has come.

    \b
      broker sessions show s-0123456789abcdef0123
    """
    with target.broker() as broker:
        answer = broker.show_session(session_id)
    tell(answer, print_session, as_json=as_json)


@sessions.command(epilog=EXIT_CODES)
@_session
@click.option(
    "--region",
    "regions",
    multiple=True,
    metavar="REGION",
    help="A Region to look at beside the broker's own and the global one; may be given again.",
)
@click.option("--marked", is_flag=True, help="Only what was not certainly a read.")
@calls_the_broker
def activity(
    *, session_id: SessionId, regions: tuple[str, ...], marked: bool, target: Target, as_json: bool
) -> None:
    """List what a session did, from the customer's CloudTrail, up to 15 minutes late.

    What was not certainly a read is marked, whether AWS let it happen or not.

    \b
      broker sessions activity s-0123456789abcdef0123 --region eu-central-1
      broker sessions activity s-0123456789abcdef0123 --marked --json
    """
    with target.broker() as broker, waiting("Reading the trail …"):
        answer = _whole_activity(broker, session_id, regions)
    if marked:
        only = [event for event in answer.items if event.marked]
        answer = answer.model_copy(update={"items": only})
    tell(answer, print_activity, as_json=as_json)


def _whole_activity(
    broker: Broker, session_id: SessionId, regions: tuple[str, ...]
) -> ActivityPage:
    """Every part of it as one answer, which is complete only if no part was refused anything."""
    query = ActivityQuery(region=",".join(regions), limit=LARGEST_PART)
    read = list(parts(lambda part: broker.show_activity(session_id, part), query))
    unseen = [region for part in read for region in part.unseen_regions]
    refused = any(region.reason is Unseen.REFUSED for region in unseen)
    return ActivityPage(
        items=[event for part in read for event in part.items],
        regions=list(dict.fromkeys(region for part in read for region in part.regions)),
        unseen_regions=unseen,
        complete=read[-1].complete and not refused,
        delay_note=read[-1].delay_note,
        next=None,
    )
