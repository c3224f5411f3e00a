"""Reading CloudFormation's requests."""

from __future__ import annotations

from broker.domain.hooks.records import Hook
from broker.domain.ports import Versioned
from broker.store.connection import Connection
from broker.store.keyspace import Keyspace
from broker.store.records import HOOK, Reader


class Hooks:
    """The HookRepository of a Redis server."""

    def __init__(self, connection: Connection, keyspace: Keyspace) -> None:
        self._keyspace = keyspace
        self._reader = Reader(connection, HOOK)

    def get(self, hook_id: str) -> Versioned[Hook] | None:
        """See HookRepository."""
        return self._reader.get(self._keyspace.hook(hook_id))
