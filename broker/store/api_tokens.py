"""Reading API tokens."""

from __future__ import annotations

import re

from broker.domain.api_tokens import ApiToken
from broker.domain.ports import Page, Versioned
from broker.store.connection import Connection
from broker.store.keyspace import Keyspace
from broker.store.paging import cut, part_of, read_cursor
from broker.store.records import API_TOKEN, Reader

_TOKEN_ID = re.compile(r"[0-9a-f]{12}")


class ApiTokens:
    """The ApiTokenRepository of a Redis server."""

    def __init__(self, connection: Connection, keyspace: Keyspace) -> None:
        self._connection = connection
        self._keyspace = keyspace
        self._reader = Reader(connection, API_TOKEN)

    def get(self, token_id: str) -> Versioned[ApiToken] | None:
        """See ApiTokenRepository."""
        return self._reader.get(self._keyspace.api_token(token_id))

    def page(self, *, cursor: str | None, limit: int) -> Page[ApiToken]:
        """See ApiTokenRepository."""
        after = read_cursor(cursor, _TOKEN_ID)
        found = self._connection.send(
            *part_of(self._keyspace.api_tokens, after=after, limit=limit + 1)
        )
        ids, following = cut(found, limit)
        keys = [self._keyspace.api_token(token_id) for token_id in ids]
        return Page(items=self._reader.get_all(keys), next=following)
