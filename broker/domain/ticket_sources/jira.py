"""Jira: the answer of Get issue, of Jira Cloud (REST API v2 and v3) and of Jira Data Center.

`GET /rest/api/3/issue/{ticket}?fields=status,assignee,summary,customfield_NNNNN` (Jira REST API
reference, "Issues": Get issue): `{key, fields: {status: {statusCategory: {key}}, assignee:
{emailAddress} | null, summary, customfield_NNNNN}}`. The broker's user must be allowed to see
addresses. An issue that was moved is answered under its new key, so under the old one it is gone.
"""

from __future__ import annotations

from broker.domain.identifiers import EngineerId
from broker.domain.ticket_sources.reading import (
    Asked,
    Mapped,
    Told,
    account_ids,
    engineer,
    is_about,
    json_object,
    member,
    subject,
    text,
)
from broker.domain.tickets import Ticket, TicketStatus

OPEN = frozenset({"new", "indeterminate"})
"""Keys of status categories, which are the same whatever an organisation calls its statuses. The
others are `done` and `undefined`."""


def read(answer: object, asked: Asked, mapped: Mapped) -> Told:
    """The ticket; None where the answer is about another one. Raises Unreadable."""
    if not is_about(asked, member(answer, "key")):
        return None
    fields = member(answer, "fields")
    category = text(member(member(member(fields, "status"), "statusCategory"), "key"))
    return Ticket(
        ticket_id=asked.ticket_id,
        account_ids=account_ids(json_object(fields).get(mapped.accounts_field)),
        subject=subject(json_object(fields).get("summary")),
        status=TicketStatus.OPEN if category in OPEN else TicketStatus.CLOSED,
        assignees=_assignees(member(fields, "assignee"), mapped),
        updated_at=asked.at,
    )


def _assignees(assignee: object, mapped: Mapped) -> tuple[EngineerId, ...]:
    """One at most; an issue that is assigned to nobody yet is anybody's to take."""
    if assignee is None:
        return ()
    return (engineer(member(assignee, "emailAddress"), mapped),)
