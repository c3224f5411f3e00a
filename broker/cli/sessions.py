"""`broker sessions`: what was opened, what it did, and ending it."""

from __future__ import annotations

from typing import Any

import click
import httpx
from pydantic import ValidationError

from broker.cli import revoke
from broker.cli.answers.sessions import (
    ActivityPart,
    ActivityShown,
    SessionShown,
    SessionsShown,
    print_activity,
    print_session,
    print_sessions,
)
from broker.cli.asking import EXIT_CODES, all_items, calls_the_broker, tell
from broker.cli.client import BrokerClient, not_a_broker
from broker.cli.groups import Group
from broker.cli.parsed import Parsed
from broker.domain.identifiers import AccountId, SessionId

_PAGE = 200

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
@calls_the_broker
def list_sessions(*, account: str | None, as_json: bool, url: str, token: str) -> None:
    """List the sessions that you may see, newest first.

    \b
      broker sessions list --account 111122223333 --json | jq -r '.items[].id'
    """
    with BrokerClient(url, token) as broker:
        found = all_items(broker, url, "/v1/sessions", {"account_id": account})
        answer = {"items": list(found)}
    tell(answer, url, as_json=as_json, show=print_sessions, model=SessionsShown)


@sessions.command(epilog=EXIT_CODES)
@_session
@calls_the_broker
def show(*, session_id: str, as_json: bool, url: str, token: str) -> None:
    """Show one session: whose it is, for which ticket, and how far its revocation has come.

    \b
      broker sessions show s-0123456789abcdef0123
    """
    with BrokerClient(url, token) as broker:
        answer = broker.request("GET", f"/v1/sessions/{session_id}")
    tell(answer, url, as_json=as_json, show=print_session, model=SessionShown)


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
    *,
    session_id: str,
    regions: tuple[str, ...],
    marked: bool,
    as_json: bool,
    url: str,
    token: str,
) -> None:
    """List what a session did, from the customer's CloudTrail, up to 15 minutes late.

    What was not certainly a read is marked, whether AWS let it happen or not.

    \b
      broker sessions activity s-0123456789abcdef0123 --region eu-central-1
      broker sessions activity s-0123456789abcdef0123 --marked --json
    """
    with BrokerClient(url, token) as broker:
        answer = _whole_activity(broker, url, session_id, regions)
    if marked:
        answer["items"] = [event for event in answer["items"] if event["marked"]]
    tell(answer, url, as_json=as_json, show=print_activity, model=ActivityShown)


def _whole_activity(
    broker: BrokerClient, url: str, session_id: str, regions: tuple[str, ...]
) -> dict[str, Any]:
    """Every part of it as one answer, which is complete only if no part was refused anything."""
    query = httpx.QueryParams({"region": ",".join(regions), "limit": _PAGE})
    items, looked_at, unseen = [], [], []
    while True:
        part = broker.request("GET", f"/v1/sessions/{session_id}/activity?{query}")
        try:
            told = ActivityPart.model_validate(part)
        except ValidationError as e:
            raise not_a_broker(url) from e
        items += part["items"]
        looked_at += told.regions
        unseen += part["unseen_regions"]
        if told.next is None:
            refused = any(region["reason"] == "refused" for region in unseen)
            return {
                "items": items,
                "regions": list(dict.fromkeys(looked_at)),
                "unseen_regions": unseen,
                "complete": told.complete and not refused,
                "delay_note": told.delay_note,
            }
        query = query.set("cursor", told.next)
