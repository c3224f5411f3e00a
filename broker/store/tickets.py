"""Reading tickets."""

from __future__ import annotations

from broker.domain.identifiers import TicketId
from broker.domain.ports import Page, Versioned
from broker.domain.tickets import Ticket
from broker.store.connection import Connection
from broker.store.keyspace import Keyspace
from broker.store.paging import cut, part_of, read_cursor
from broker.store.records import TICKET, Reader


class Tickets:
    """The TicketRepository of a Redis server."""

    def __init__(self, connection: Connection, keyspace: Keyspace) -> None:
        self._connection = connection
        self._keyspace = keyspace
        self._reader = Reader(connection, TICKET)

    def get(self, ticket_id: TicketId) -> Versioned[Ticket] | None:
        """See TicketRepository."""
        return self._reader.get(self._keyspace.ticket(ticket_id))

    def page(self, *, cursor: str | None, limit: int) -> Page[Ticket]:
        """See TicketRepository."""
        after = read_cursor(cursor, TicketId.pattern)
        found = self._connection.send(
            *part_of(self._keyspace.tickets, after=after, limit=limit + 1)
        )
        ids, following = cut(found, limit)
        keys = [self._keyspace.ticket(TicketId(ticket_id)) for ticket_id in ids]
        return Page(items=self._reader.get_all(keys), next=following)
