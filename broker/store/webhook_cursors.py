"""How far each webhook endpoint has been told of each chain, and which of them are out of reach.

All of it lies in the broker's slot, a hash an endpoint; only chains and their heads lie elsewhere.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime

from broker.domain.identifiers import AccountId
from broker.domain.ledger.entries import Chain
from broker.domain.webhooks.delivery import Cursor, Outage, Reach
from broker.store import ledger_entries
from broker.store.connection import Connection
from broker.store.indexes import milliseconds, moment_of
from broker.store.keyspace import Keyspace
from broker.store.paging import part_of
from broker.store.scripts import script


class WebhookCursors:
    """The WebhookCursors of a Redis server."""

    def __init__(self, connection: Connection, keyspace: Keyspace) -> None:
        self._connection = connection
        self._keyspace = keyspace

    def has_begun(self, endpoint: str) -> bool:
        """See the protocol WebhookCursors."""
        return bool(self._connection.send("SISMEMBER", self._keyspace.webhooks_begun, endpoint))

    def begin(self, endpoint: str) -> None:
        """See the protocol WebhookCursors."""
        self._connection.send("SADD", self._keyspace.webhooks_begun, endpoint)

    def start(self, endpoint: str, at: Mapping[Chain, int]) -> None:
        """See the protocol WebhookCursors."""
        key = self._keyspace.webhook_cursors(endpoint)
        self._connection.send_all(
            [("HSETNX", key, chain, _write(Cursor(seq=seq))) for chain, seq in at.items()]
        )

    def get(self, endpoint: str, chain: Chain) -> Cursor | None:
        """See the protocol WebhookCursors."""
        found = self._connection.send("HGET", self._keyspace.webhook_cursors(endpoint), chain)
        return _read(found)

    def move(self, endpoint: str, chain: Chain, *, expected: Cursor | None, to: Cursor) -> bool:
        """See the protocol WebhookCursors."""
        moved = self._connection.run_script(
            script("move_cursor"),
            keys=[self._keyspace.webhook_cursors(endpoint)],
            args=[chain, "" if expected is None else _write(expected), _write(to)],
        )
        return bool(moved)

    def reaches(self, endpoint: str, chains: Sequence[Chain]) -> Mapping[Chain, Reach]:
        """See the protocol WebhookCursors."""
        if not chains:
            return {}
        key = self._keyspace.webhook_cursors(endpoint)
        cursors, *heads = self._connection.send_all(
            [
                ("HMGET", key, *chains),
                *(("HGET", self._keyspace.head(chain), "seq") for chain in chains),
            ]
        )
        return {
            chain: Reach(head=int(head or 0), cursor=_read(cursor))
            for chain, head, cursor in zip(chains, heads, cursors, strict=True)
        }

    def oldest(self, untold: Mapping[Chain, int]) -> datetime | None:
        """See the protocol WebhookCursors."""
        found = self._connection.send_all(
            [
                ("XRANGE", self._keyspace.chain(chain), f"{seq + 1}-0", "+", "COUNT", 1)
                for chain, seq in untold.items()
            ]
        )
        times = (
            ledger_entries.decode(fields["entry"]).at for entries in found for _, fields in entries
        )
        return min((datetime.fromisoformat(at) for at in times), default=None)

    def account_ids(self, *, after: AccountId | None, limit: int) -> Sequence[AccountId]:
        """See the protocol WebhookCursors."""
        found = self._connection.send(*part_of(self._keyspace.accounts, after=after, limit=limit))
        return [AccountId(account_id) for account_id in found]

    def outage(self, endpoint: str) -> Outage | None:
        """See the protocol WebhookCursors."""
        found = self._connection.send("HGET", self._keyspace.webhook_outages, endpoint)
        if found is None:
            return None
        members = json.loads(found)
        return Outage(
            failures=members["failures"],
            since=moment_of(members["since"]),
            until=moment_of(members["until"]),
        )

    def set_outage(self, endpoint: str, outage: Outage | None) -> None:
        """See the protocol WebhookCursors."""
        key = self._keyspace.webhook_outages
        if outage is None:
            self._connection.send("HDEL", key, endpoint)
            return
        members = {
            "failures": outage.failures,
            "since": milliseconds(outage.since),
            "until": milliseconds(outage.until),
        }
        self._connection.send("HSET", key, endpoint, json.dumps(members))


def _write(cursor: Cursor) -> str:
    """One text for each cursor, so that comparing texts is comparing cursors."""
    return json.dumps(
        {
            "seq": cursor.seq,
            "failures": cursor.failures,
            "failing_since": _time(cursor.failing_since),
            "next_try_at": _time(cursor.next_try_at),
        }
    )


def _read(text: str | None) -> Cursor | None:
    if text is None:
        return None
    members = json.loads(text)
    return Cursor(
        seq=members["seq"],
        failures=members["failures"],
        failing_since=_moment(members["failing_since"]),
        next_try_at=_moment(members["next_try_at"]),
    )


def _time(moment: datetime | None) -> int | None:
    return None if moment is None else milliseconds(moment)


def _moment(time: int | None) -> datetime | None:
    return None if time is None else moment_of(time)
