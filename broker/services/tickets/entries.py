"""What the ledger is told of tickets, by whomever they are written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from broker.domain.access import Reason
from broker.domain.ledger.entries import Chain, Detail, Event
from broker.domain.ports import Journal
from broker.domain.tickets import Ticket
from broker.errors import DependencyUnavailable
from broker.services.ambient import Clock


def details(ticket: Ticket) -> Mapping[str, Detail]:
    """What a ticket says that access depends on; its subject is text of others, and stays out."""
    return {
        "status": ticket.status.value,
        "accounts": list(ticket.account_ids),
        "assignees": list(ticket.assignees),
    }


@contextmanager
def kept_if_unknown(
    refusal: Event, *, chain: Chain, journal: Journal, clock: Clock
) -> Iterator[None]:
    """Have the refusal in the ledger where the block finds that nobody knows how the ticket is."""
    try:
        yield
    except DependencyUnavailable as e:
        if e.code == Reason.TICKET_UNKNOWN:
            journal.record(chain, refusal, now=clock())
        raise
