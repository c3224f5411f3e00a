"""The answers to requests with an Idempotency-Key."""

from __future__ import annotations

import secrets
from datetime import timedelta

from broker.domain.ports import Begun, Finished, InProgress, Reused
from broker.store.connection import Connection
from broker.store.keyspace import Keyspace
from broker.store.scripts import script

KEPT = timedelta(hours=24)
"""How long an answer is given again."""

CLAIMED = timedelta(minutes=3)
"""How long a claim without an answer holds: longer than any request, so only a crash meets it."""

_MILLISECOND = timedelta(milliseconds=1)


class Idempotency:
    """The IdempotencyRepository of a Redis server."""

    def __init__(self, connection: Connection, keyspace: Keyspace) -> None:
        self._connection = connection
        self._keyspace = keyspace

    def begin(self, key: str, *, fingerprint: str) -> Begun | InProgress | Finished | Reused:
        """See IdempotencyRepository."""
        earlier = self._connection.run_script(
            script("begin_request"),
            keys=[self._keyspace.answer(key)],
            args=[fingerprint, secrets.token_hex(8), CLAIMED // _MILLISECOND],
        )
        if earlier is None:
            return Begun()
        earlier_fingerprint, status, body = earlier
        if earlier_fingerprint != fingerprint:
            return Reused()
        return InProgress() if status is None else Finished(status=int(status), body=body)

    def finish(self, key: str, answer: Finished) -> None:
        """See IdempotencyRepository."""
        body = () if answer.body is None else (answer.body,)
        self._connection.run_script(
            script("finish_request"),
            keys=[self._keyspace.answer(key)],
            args=[KEPT // _MILLISECOND, answer.status, *body],
        )

    def abandon(self, key: str) -> None:
        """See IdempotencyRepository."""
        self._connection.send("DEL", self._keyspace.answer(key))
