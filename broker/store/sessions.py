"""Reading sessions: one, those under a grant, and lists of them, newest first."""

from __future__ import annotations

from collections.abc import Sequence

from broker.domain.identifiers import AccountId, EngineerId, GrantId, SessionId
from broker.domain.ports import Page, Versioned
from broker.domain.sessions import Session
from broker.store.connection import Connection
from broker.store.indexes import SESSION_MEMBER, read_session_member
from broker.store.keyspace import Keyspace
from broker.store.records import SESSION, Reader
from broker.store.timelines import Timeline


class Sessions:
    """The SessionRepository of a Redis server."""

    def __init__(self, connection: Connection, keyspace: Keyspace) -> None:
        self._connection = connection
        self._keyspace = keyspace
        self._reader = Reader(connection, SESSION)
        self._timeline = Timeline(
            connection=connection,
            form=SESSION_MEMBER,
            everybody=keyspace.sessions,
            in_account=keyspace.sessions_in,
            of_engineer=keyspace.sessions_of,
        )

    def get(self, session_id: SessionId) -> Versioned[Session] | None:
        """See SessionRepository."""
        account_id = self._connection.send("HGET", self._keyspace.session_accounts, session_id)
        if account_id is None:
            return None
        return self._reader.get(self._keyspace.session(AccountId(account_id), session_id))

    def of_grant(self, account_id: AccountId, grant_id: GrantId) -> tuple[Versioned[Session], ...]:
        """See SessionRepository."""
        index = self._keyspace.sessions_under(account_id, grant_id)
        ids = self._connection.send("ZRANGE", index, 0, -1)
        keys = [self._keyspace.session(account_id, SessionId(session_id)) for session_id in ids]
        return self._reader.get_all_versioned(keys)

    def page(
        self,
        *,
        account_ids: Sequence[AccountId] | None,
        engineer: EngineerId | None,
        cursor: str | None,
        limit: int,
    ) -> Page[Session]:
        """See SessionRepository."""
        members, following = self._timeline.part(
            account_ids=account_ids, engineer=engineer, cursor=cursor, limit=limit
        )
        keys = [self._keyspace.session(*read_session_member(member)) for member in members]
        return Page(items=self._reader.get_all(keys), next=following)
