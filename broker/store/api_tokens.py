"""Reading API tokens, and what is remembered of credentials that were accepted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from broker.domain.identity.api_tokens import TOKEN_ID, ApiToken
from broker.domain.ports import Acceptance, Page, Versioned
from broker.store.connection import Connection
from broker.store.indexes import milliseconds, moment_of
from broker.store.keyspace import Keyspace
from broker.store.paging import cut, part_of, read_cursor
from broker.store.records import API_TOKEN, Reader
from broker.store.scripts import script

REMEMBERED = timedelta(days=1)
"""How long an acceptance is remembered."""

REFRESHED = timedelta(hours=1)
"""How long it is not written again."""

USE_NOTED = timedelta(minutes=1)
"""How precise an API token's last use is."""

_MILLISECOND = timedelta(milliseconds=1)


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
        after = read_cursor(cursor, TOKEN_ID)
        found = self._connection.send(
            *part_of(self._keyspace.api_tokens, after=after, limit=limit + 1)
        )
        ids, following = cut(found, limit)
        keys = [self._keyspace.api_token(token_id) for token_id in ids]
        return Page(items=self._reader.get_all(keys), next=following)

    def last_uses(self, token_ids: Sequence[str]) -> Mapping[str, datetime]:
        """See ApiTokenRepository."""
        if not token_ids:
            return {}
        found = self._connection.send("HMGET", self._keyspace.api_token_uses, *token_ids)
        uses = zip(token_ids, found, strict=True)
        return {token_id: moment_of(int(at)) for token_id, at in uses if at is not None}


class AcceptedCredentials:
    """The AcceptanceRepository of a Redis server."""

    def __init__(self, connection: Connection, keyspace: Keyspace) -> None:
        self._connection = connection
        self._keyspace = keyspace

    def keep(self, acceptances: Sequence[Acceptance]) -> None:
        """See AcceptanceRepository."""
        if not acceptances:
            return
        args: list[str | int] = [
            REMEMBERED // _MILLISECOND,
            (REMEMBERED - REFRESHED) // _MILLISECOND,
            USE_NOTED // _MILLISECOND,
        ]
        for acceptance in acceptances:
            args += (acceptance.api_token_id or "", milliseconds(acceptance.at))
        self._connection.run_script(
            script("keep_acceptances"),
            keys=[
                self._keyspace.api_token_uses,
                *(self._keyspace.acceptance(acceptance.fingerprint) for acceptance in acceptances),
            ],
            args=args,
        )

    def knows(self, fingerprint: str) -> bool:
        """See AcceptanceRepository."""
        return bool(self._connection.send("EXISTS", self._keyspace.acceptance(fingerprint)))
