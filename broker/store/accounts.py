"""Reading accounts, by id, by issuer, and those that changed."""

from __future__ import annotations

from broker.domain.accounts import Account
from broker.domain.identifiers import AccountId, IssuerId
from broker.domain.ports import Page, Versioned
from broker.store.connection import Connection
from broker.store.keyspace import Keyspace
from broker.store.paging import cut, part_of, read_cursor
from broker.store.records import ACCOUNT, Reader

OVERLAP = 60_000_000
"""Microseconds for which a change is reported again.

A change is announced before it is written, so that no crash between the two can hide it; whoever
asked in that moment read the old record and has to look again. Far longer than any write may take
and than two servers' clocks may differ after a failover.
"""


class Accounts:
    """The AccountRepository of a Redis server."""

    def __init__(self, connection: Connection, keyspace: Keyspace) -> None:
        self._connection = connection
        self._keyspace = keyspace
        self._reader = Reader(connection, ACCOUNT)

    def get(self, account_id: AccountId) -> Versioned[Account] | None:
        """See AccountRepository."""
        return self._reader.get(self._keyspace.account(account_id))

    def page(self, *, cursor: str | None, limit: int) -> Page[Account]:
        """See AccountRepository."""
        after = read_cursor(cursor, AccountId.pattern)
        found = self._connection.send(
            *part_of(self._keyspace.accounts, after=after, limit=limit + 1)
        )
        ids, following = cut(found, limit)
        keys = [self._keyspace.account(AccountId(account_id)) for account_id in ids]
        return Page(items=self._reader.get_all(keys), next=following)

    def of_issuer(self, issuer_id: IssuerId) -> Account | None:
        """See AccountRepository.

        A claim outlives a crash before the account was written, and the account's next issuer.
        """
        holder = self._connection.send("GET", self._keyspace.issuer(issuer_id))
        if holder is None:
            return None
        found = self.get(AccountId(holder))
        if found is None or found.record.issuer_id != issuer_id:
            return None
        return found.record

    def changed_since(self, revision: int) -> tuple[int, tuple[AccountId, ...]]:
        """See AccountRepository; the revision is a time of the server less the overlap."""
        (seconds, microseconds), ids = self._connection.send_all(
            [
                ("TIME",),
                ("ZRANGE", self._keyspace.announcements, f"({revision}", "+inf", "BYSCORE"),
            ]
        )
        following = max(revision, seconds * 1_000_000 + microseconds - OVERLAP)
        return following, tuple(AccountId(account_id) for account_id in ids)
