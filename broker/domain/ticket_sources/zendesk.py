"""Zendesk: the answer of Show Ticket with its users side-loaded.

`GET /api/v2/tickets/{ticket}.json?include=users` (Zendesk API reference, "Tickets": Show Ticket,
and "Side-Loading"): `{"ticket": {id, status, assignee_id, subject, custom_fields: [{id, value}]},
"users": [{id, email}]}`. A deleted ticket is answered with 404.
"""

from __future__ import annotations

from broker.domain.identifiers import EngineerId
from broker.domain.ticket_sources.reading import (
    Asked,
    Mapped,
    Told,
    Unreadable,
    account_ids,
    engineer,
    is_about,
    json_object,
    member,
    number,
    subject,
    text,
)
from broker.domain.tickets import Ticket, TicketStatus

OPEN = frozenset({"new", "open", "pending", "hold"})
"""The others are `solved` and `closed`; custom statuses show the category that they belong to."""


def read(answer: object, asked: Asked, mapped: Mapped) -> Told:
    """The ticket; None where the answer is about another one. Raises Unreadable."""
    ticket = member(answer, "ticket")
    if not is_about(asked, str(number(member(ticket, "id")))):
        return None
    is_open = text(member(ticket, "status")) in OPEN
    return Ticket(
        ticket_id=asked.ticket_id,
        account_ids=account_ids(_custom_field(ticket, mapped.accounts_field)),
        subject=subject(json_object(ticket).get("subject")),
        status=TicketStatus.OPEN if is_open else TicketStatus.CLOSED,
        assignees=_assignees(answer, member(ticket, "assignee_id"), mapped),
        updated_at=asked.at,
    )


def _custom_field(ticket: object, field_number: str) -> object:
    fields = member(ticket, "custom_fields")
    if not isinstance(fields, list):
        raise Unreadable("custom_fields is not a list")
    found = [field for field in fields if str(json_object(field).get("id")) == field_number]
    if len(found) > 1:
        raise Unreadable("the custom field of the accounts is there twice")
    return json_object(found[0]).get("value") if found else None


def _assignees(answer: object, assignee: object, mapped: Mapped) -> tuple[EngineerId, ...]:
    """One at most; a ticket that is assigned to nobody yet is anybody's to take."""
    if assignee is None:
        return ()
    user_number = number(assignee)
    users = member(answer, "users")
    if not isinstance(users, list):
        raise Unreadable("users is not a list")
    found = [user for user in users if json_object(user).get("id") == user_number]
    if len(found) != 1:
        raise Unreadable("the assignee is not among the side-loaded users")
    return (engineer(member(found[0], "email"), mapped),)
