"""The broker's own shape, for a service that stands in front of some other ticket system.

`{"id", "status": "open"|"closed", "account_ids": [], "assignees": [], "subject"}`, as in
`PUT /v1/tickets/{id}`: no assignees means any engineer.
"""

from __future__ import annotations

from broker.domain.identifiers import EngineerId
from broker.domain.ticket_sources.reading import (
    MOST,
    Asked,
    Mapped,
    Told,
    Unreadable,
    account_ids,
    is_about,
    member,
    subject,
    text,
)
from broker.domain.tickets import Ticket, TicketStatus


def read(answer: object, asked: Asked, mapped: Mapped) -> Told:
    """The ticket; None where the answer is about another one. Raises Unreadable."""
    del mapped
    if not is_about(asked, member(answer, "id")):
        return None
    is_open = member(answer, "status") == TicketStatus.OPEN.value
    return Ticket(
        ticket_id=asked.ticket_id,
        account_ids=account_ids(member(answer, "account_ids")),
        subject=subject(member(answer, "subject")),
        status=TicketStatus.OPEN if is_open else TicketStatus.CLOSED,
        assignees=_engineers(member(answer, "assignees")),
        updated_at=asked.at,
    )


def _engineers(value: object) -> tuple[EngineerId, ...]:
    if not isinstance(value, list) or len(value) > MOST:
        raise Unreadable("assignees is not a list, or a very long one")
    try:
        return tuple(dict.fromkeys(EngineerId.parse(text(name)) for name in value))
    except ValueError as e:
        raise Unreadable("somebody is assigned who cannot be an engineer") from e
