"""Reading sessions: of everybody, of some accounts, of one engineer; newest first."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from broker.domain.identifiers import AccountId, EngineerId, SessionId
from broker.domain.ports import Page, Versioned
from broker.domain.sessions import Session
from broker.store.connection import Connection
from broker.store.indexes import SESSION_MEMBER, read_session_member
from broker.store.keyspace import Keyspace
from broker.store.paging import Order, cut, part_of, read_cursor
from broker.store.records import SESSION, Reader


class Sessions:
    """The SessionRepository of a Redis server."""

    def __init__(self, connection: Connection, keyspace: Keyspace) -> None:
        self._connection = connection
        self._keyspace = keyspace
        self._reader = Reader(connection, SESSION)

    def get(self, session_id: SessionId) -> Versioned[Session] | None:
        """See SessionRepository."""
        account_id = self._connection.send("HGET", self._keyspace.session_accounts, session_id)
        if account_id is None:
            return None
        return self._reader.get(self._keyspace.session(AccountId(account_id), session_id))

    def page(
        self,
        *,
        account_ids: Sequence[AccountId] | None,
        engineer: EngineerId | None,
        cursor: str | None,
        limit: int,
    ) -> Page[Session]:
        """See SessionRepository."""
        after = read_cursor(cursor, SESSION_MEMBER)
        accounts = None if account_ids is None else frozenset(account_ids)
        if engineer is not None:
            index = self._keyspace.sessions_of(engineer)
            found = self._filtered(index, accounts, after=after, limit=limit + 1)
        elif accounts is not None:
            found = self._merged(accounts, after=after, limit=limit + 1)
        else:
            found = self._newest([self._keyspace.sessions], after=after, limit=limit + 1)
        part, following = cut(found, limit)
        return Page(items=self._reader.get_all(self._keys_of(part)), next=following)

    def _keys_of(self, found: Iterable[str]) -> list[str]:
        return [self._keyspace.session(*read_session_member(member)) for member in found]

    def _newest(self, indexes: Sequence[str], *, after: str | None, limit: int) -> list[str]:
        """The first `limit` members of the indexes taken together."""
        parts = self._connection.send_all(
            [part_of(index, after=after, limit=limit, order=Order.DESCENDING) for index in indexes]
        )
        return sorted((member for part in parts for member in part), reverse=True)[:limit]

    def _merged(
        self, accounts: frozenset[AccountId], *, after: str | None, limit: int
    ) -> list[str]:
        indexes = [self._keyspace.sessions_in(account_id) for account_id in accounts]
        return self._newest(indexes, after=after, limit=limit)

    def _filtered(
        self,
        index: str,
        accounts: frozenset[AccountId] | None,
        *,
        after: str | None,
        limit: int,
    ) -> list[str]:
        """The first `limit` members that belong to one of `accounts`; a member names its own."""
        kept: list[str] = []
        while len(kept) < limit:
            part = self._newest([index], after=after, limit=limit)
            kept += [
                member
                for member in part
                if accounts is None or read_session_member(member)[0] in accounts
            ]
            if len(part) < limit:
                break
            after = part[-1]
        return kept[:limit]
