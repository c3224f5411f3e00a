"""Reading grants: one, an engineer's, a ticket's, and lists of them, newest first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from broker.domain.grants import Grant
from broker.domain.identifiers import AccountId, EngineerId, GrantId, TicketId
from broker.domain.ports import Page, Versioned
from broker.store.connection import Connection
from broker.store.indexes import GRANT_MEMBER, milliseconds, read_grant_member
from broker.store.keyspace import Keyspace
from broker.store.records import GRANT, Reader
from broker.store.timelines import Timeline

REMEMBERED = timedelta(days=1)
"""How long after its end a grant is still found by whom or what it is for, to say that it is over.

Lists, and who knows its id, find it for ever.
"""


class Grants:
    """The GrantRepository of a Redis server."""

    def __init__(
        self, connection: Connection, keyspace: Keyspace, *, clock: Callable[[], datetime]
    ) -> None:
        self._connection = connection
        self._keyspace = keyspace
        self._clock = clock
        self._reader = Reader(connection, GRANT)
        self._timeline = Timeline(
            connection=connection,
            form=GRANT_MEMBER,
            everybody=keyspace.grants,
            in_account=keyspace.grants_in,
            of_engineer=keyspace.grants_by,
        )

    def get(self, grant_id: GrantId) -> Versioned[Grant] | None:
        """See GrantRepository."""
        account_id = self._connection.send("HGET", self._keyspace.grant_accounts, grant_id)
        if account_id is None:
            return None
        return self._reader.get(self._keyspace.grant(AccountId(account_id), grant_id))

    def of_engineer(
        self, account_id: AccountId, engineer: EngineerId
    ) -> tuple[Versioned[Grant], ...]:
        """See GrantRepository."""
        ids = self._remembered(self._keyspace.grants_of(account_id, engineer))
        keys = [self._keyspace.grant(account_id, GrantId(grant_id)) for grant_id in ids]
        return self._reader.get_all_versioned(keys)

    def of_ticket(self, ticket_id: TicketId) -> tuple[Versioned[Grant], ...]:
        """See GrantRepository."""
        members = self._remembered(self._keyspace.grants_on(ticket_id))
        places = [member.split("/") for member in members]
        keys = [self._keyspace.grant(AccountId(where), GrantId(which)) for where, which in places]
        return self._reader.get_all_versioned(keys)

    def page(
        self,
        *,
        account_ids: Sequence[AccountId] | None,
        engineer: EngineerId | None,
        cursor: str | None,
        limit: int,
    ) -> Page[Grant]:
        """See GrantRepository."""
        members, following = self._timeline.part(
            account_ids=account_ids, engineer=engineer, cursor=cursor, limit=limit
        )
        keys = [self._keyspace.grant(*read_grant_member(member)) for member in members]
        return Page(items=self._reader.get_all(keys), next=following)

    def _remembered(self, index: str) -> Sequence[str]:
        """An index by end; what is long over is dropped from it on the way."""
        forgotten = milliseconds(self._clock() - REMEMBERED)
        _, members = self._connection.send_all(
            [("ZREMRANGEBYSCORE", index, "-inf", forgotten), ("ZRANGE", index, 0, -1)]
        )
        found: Sequence[str] = members
        return found
