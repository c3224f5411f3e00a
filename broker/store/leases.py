"""Leases: one worker at a time, with a number that grows, so that a late one can be told."""

from __future__ import annotations

from datetime import timedelta

from broker.domain.ports import Lease
from broker.store.connection import Connection
from broker.store.keyspace import Keyspace
from broker.store.scripts import script

_MILLISECOND = timedelta(milliseconds=1)


class Leases:
    """The LeaseRepository of a Redis server."""

    def __init__(self, connection: Connection, keyspace: Keyspace) -> None:
        self._connection = connection
        self._keyspace = keyspace

    def acquire(self, name: str, *, holder: str, ttl: timedelta) -> Lease | None:
        """See LeaseRepository. The present holder gets it anew, with a higher number."""
        fencing = self._connection.run_script(
            script("acquire_lease"),
            keys=[self._keyspace.lease(name), self._keyspace.fencing],
            args=[holder, ttl // _MILLISECOND],
        )
        return None if fencing is None else Lease(name=name, holder=holder, fencing=int(fencing))

    def renew(self, lease: Lease, *, ttl: timedelta) -> bool:
        """See LeaseRepository."""
        renewed = self._connection.run_script(
            script("renew_lease"),
            keys=[self._keyspace.lease(lease.name)],
            args=[lease.holder, lease.fencing, ttl // _MILLISECOND],
        )
        return bool(renewed)

    def release(self, lease: Lease) -> None:
        """See LeaseRepository."""
        self._connection.run_script(
            script("release_lease"),
            keys=[self._keyspace.lease(lease.name)],
            args=[lease.holder, lease.fencing],
        )
