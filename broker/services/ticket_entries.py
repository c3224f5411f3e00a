"""What the ledger is told of tickets, by whomever they are written."""

from __future__ import annotations

from collections.abc import Mapping

from broker.domain.ledger import Detail
from broker.domain.tickets import Ticket


def details(ticket: Ticket) -> Mapping[str, Detail]:
    """What a ticket says that access depends on; its subject is text of others, and stays out."""
    return {
        "status": ticket.status.value,
        "accounts": list(ticket.account_ids),
        "assignees": list(ticket.assignees),
    }
