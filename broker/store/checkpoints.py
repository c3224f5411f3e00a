"""Reading checkpoints: the latest of an account, and those of a stretch of its chain."""

from __future__ import annotations

from broker.domain.identifiers import AccountId
from broker.domain.ledger.checkpoints import Checkpoint
from broker.domain.ports import Versioned
from broker.store.connection import Connection
from broker.store.keyspace import Keyspace
from broker.store.records import CHECKPOINT, Reader


class Checkpoints:
    """The CheckpointRepository of a Redis server."""

    def __init__(self, connection: Connection, keyspace: Keyspace) -> None:
        self._connection = connection
        self._keyspace = keyspace
        self._reader = Reader(connection, CHECKPOINT)

    def latest(self, account_id: AccountId) -> Versioned[Checkpoint] | None:
        """See CheckpointRepository."""
        found = self._connection.send("ZRANGE", self._keyspace.checkpoints(account_id), 0, 0, "REV")
        return self._reader.get(self._key(account_id, found[0])) if found else None

    def between(
        self, account_id: AccountId, *, first: int, last: int, limit: int
    ) -> tuple[Checkpoint, ...]:
        """See CheckpointRepository."""
        index = self._keyspace.checkpoints(account_id)
        found = self._connection.send("ZRANGE", index, first, last, "BYSCORE", "LIMIT", 0, limit)
        return self._reader.get_all([self._key(account_id, seq) for seq in found])

    def _key(self, account_id: AccountId, seq: str) -> str:
        return self._keyspace.checkpoint(account_id, int(seq))
