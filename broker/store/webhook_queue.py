"""In which chains each webhook endpoint has something to be told of, and since when."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from broker.domain.ledger.entries import Chain
from broker.domain.ports import Task, TaskKind
from broker.store.agenda import member_of
from broker.store.connection import Connection
from broker.store.indexes import milliseconds, moment_of
from broker.store.keyspace import Keyspace
from broker.store.scripts import script

REMEMBERED = timedelta(minutes=1)
"""How long a take gives the same chain to whoever sends it again: longer than any retry takes."""

_MILLISECOND = timedelta(milliseconds=1)


class WebhookQueue:
    """The WebhookQueue of a Redis server, and the journal's part of it."""

    def __init__(self, connection: Connection, keyspace: Keyspace) -> None:
        self._connection = connection
        self._keyspace = keyspace

    def hint(self, endpoints: Collection[str], chain: Chain, *, at: datetime) -> None:
        """Put the chain down for these endpoints, and hasten their tasks, in one round trip."""
        tasks = [member_of(Task(TaskKind.WEBHOOK, endpoint)) for endpoint in endpoints]
        queues = [self._keyspace.webhook_queue(endpoint) for endpoint in endpoints]
        self._connection.run_script(
            script("hint_webhooks"),
            keys=[self._keyspace.agenda, self._keyspace.hastened, *queues],
            args=[chain, milliseconds(at), *tasks],
        )

    def put(self, endpoint: str, chains: Sequence[Chain], *, at: datetime) -> None:
        """See the protocol WebhookQueue."""
        queue = self._keyspace.webhook_queue(endpoint)
        self._connection.send_all(
            [("ZADD", queue, "NX", milliseconds(at), chain) for chain in chains]
        )

    def take(self, endpoint: str, *, now: datetime) -> Chain | None:
        """See the protocol WebhookQueue."""
        taken = self._connection.run_script(
            script("take_chain"),
            keys=[
                self._keyspace.webhook_queue(endpoint),
                self._keyspace.webhook_take(secrets.token_hex(8)),
            ],
            args=[milliseconds(now), REMEMBERED // _MILLISECOND],
        )
        return None if taken is None else Chain(taken)

    def next_due(self, endpoint: str) -> datetime | None:
        """See the protocol WebhookQueue."""
        queue = self._keyspace.webhook_queue(endpoint)
        first = self._connection.send("ZRANGE", queue, 0, 0, "WITHSCORES")
        return moment_of(int(first[1])) if first else None
