"""Reading grants."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from broker.domain.grants import Grant
from broker.domain.identifiers import AccountId, EngineerId, GrantId
from broker.store.connection import Connection
from broker.store.indexes import milliseconds
from broker.store.keyspace import Keyspace
from broker.store.records import GRANT, Reader

REMEMBERED = timedelta(days=1)
"""How long after its end a grant is still found, to say that it has expired."""


class Grants:
    """The GrantRepository of a Redis server."""

    def __init__(
        self, connection: Connection, keyspace: Keyspace, *, clock: Callable[[], datetime]
    ) -> None:
        self._connection = connection
        self._keyspace = keyspace
        self._clock = clock
        self._reader = Reader(connection, GRANT)

    def of_engineer(self, account_id: AccountId, engineer: EngineerId) -> tuple[Grant, ...]:
        """See GrantRepository. Entries of the index that are long over are dropped on the way."""
        index = self._keyspace.grants_of(account_id, engineer)
        forgotten = milliseconds(self._clock() - REMEMBERED)
        _, ids = self._connection.send_all(
            [("ZREMRANGEBYSCORE", index, "-inf", forgotten), ("ZRANGE", index, 0, -1)]
        )
        return self._reader.get_all(
            [self._keyspace.grant(account_id, GrantId(grant_id)) for grant_id in ids]
        )
