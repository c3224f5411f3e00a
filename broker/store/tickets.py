"""Reading tickets."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice

from broker.domain.identifiers import TicketId
from broker.domain.ports import Page, Versioned
from broker.domain.tickets import Ticket
from broker.store.connection import Connection
from broker.store.keyspace import Keyspace
from broker.store.paging import cut, part_of, read_cursor
from broker.store.records import TICKET, Reader

_READ_AT_ONCE = 200


class Tickets:
    """The TicketRepository of a Redis server."""

    def __init__(self, connection: Connection, keyspace: Keyspace) -> None:
        self._connection = connection
        self._keyspace = keyspace
        self._reader = Reader(connection, TICKET)

    def get(self, ticket_id: TicketId) -> Versioned[Ticket] | None:
        """See TicketRepository."""
        return self._reader.get(self._keyspace.ticket(ticket_id))

    def page(
        self, *, cursor: str | None, limit: int, shown: Callable[[Ticket], bool]
    ) -> Page[Ticket]:
        """See TicketRepository."""
        after = read_cursor(cursor, TicketId.pattern)
        tickets = islice(filter(shown, self._following(after)), limit + 1)
        found = {ticket.ticket_id: ticket for ticket in tickets}
        ids, following = cut(tuple(found), limit)
        return Page(items=tuple(found[TicketId(each)] for each in ids), next=following)

    def _following(self, after: str | None) -> Iterator[Ticket]:
        """Every ticket after that one, in order."""
        while True:
            ids = self._connection.send(
                *part_of(self._keyspace.tickets, after=after, limit=_READ_AT_ONCE)
            )
            keys = [self._keyspace.ticket(TicketId(ticket_id)) for ticket_id in ids]
            yield from self._reader.get_all(keys)
            if len(ids) < _READ_AT_ONCE:
                return
            after = ids[-1]
