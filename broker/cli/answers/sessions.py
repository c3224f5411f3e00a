"""Sessions, and what they did, as `broker sessions` prints them for people."""

from __future__ import annotations

from collections.abc import Sequence

from broker.cli.answers.rows import print_lines, print_members, print_rows, second
from broker.contract.sessions import SessionAnswer, SessionPage
from broker.contract.trail import ActivityPage, TrailEventAnswer
from broker.domain.times import rfc3339


def print_session(session: SessionAnswer) -> None:
    """One member a line, and no line for what there is not."""
    members = (
        ("Session", session.id),
        ("Engineer", session.engineer),
        ("Account", session.account_id),
        ("Ticket", session.ticket),
        ("Access", session.access),
        ("Services", ", ".join(session.services)),
        ("Grant", session.grant_id),
        ("In CloudTrail", session.role_session_name),
        ("Access key", session.access_key_id),
        ("Opened", rfc3339(session.issued_at)),
        ("Ends", rfc3339(session.expires_at)),
        ("Revoked", rfc3339(session.revoked_at) if session.revoked_at else None),
        ("Revocation", None if session.revocation is None else session.revocation.state),
    )
    print_members(members)


def print_sessions(page: SessionPage) -> None:
    """A table, one session a row."""
    if not page.items:
        print_lines(["There is no such session."])
        return
    print_rows(
        ("Session", "Engineer", "Account", "Ticket", "Opened", "Ends", "Revoked"),
        [
            (
                session.id,
                session.engineer,
                session.account_id,
                session.ticket,
                second(session.issued_at),
                second(session.expires_at),
                "" if session.revoked_at is None else second(session.revoked_at),
            )
            for session in page.items
        ],
    )


def print_activity(activity: ActivityPage) -> None:
    """A table of events, oldest first, then where they were looked for and what may be missing."""
    events = sorted(activity.items, key=lambda event: event.time)
    if events:
        print_rows(
            ("", "Time", "Event", "Service", "Region", "Refused", "From"),
            [_event_cells(event) for event in events],
            bold=[index for index, event in enumerate(events) if event.marked],
        )
    else:
        print_lines(["Nothing is recorded of this session."])
    print_lines(_remarks(activity), style="dim")


def _event_cells(event: TrailEventAnswer) -> Sequence[str]:
    return (
        "!" if event.marked else "",
        rfc3339(event.time),
        event.name,
        event.source.removesuffix(".amazonaws.com"),
        event.region,
        event.error_code or "",
        event.source_ip,
    )


def _remarks(activity: ActivityPage) -> Sequence[str]:
    marked = sum(event.marked for event in activity.items)
    remarks = [f"Looked at: {', '.join(activity.regions)}."]
    remarks += [
        f"Not looked at: {unseen.region} ({unseen.reason.replace('_', ' ')})."
        for unseen in activity.unseen_regions
    ]
    if marked:
        remarks.append(f"{marked} marked with !: not certainly a read. Refused ones had no effect.")
    if not activity.complete:
        remarks.append(f"More may come. {activity.delay_note}")
    return remarks
