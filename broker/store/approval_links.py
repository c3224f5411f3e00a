"""Approval links, kept under the hash of their secret until they are used or too old."""

from __future__ import annotations

from datetime import timedelta

from broker.domain.approval_links import LIVES, ApprovalLink
from broker.store.connection import Connection
from broker.store.keyspace import Keyspace
from broker.store.records import Codec

LINK = Codec("approval_link", ApprovalLink, schema=1)

_MILLISECOND = timedelta(milliseconds=1)


class ApprovalLinks:
    """The ApprovalLinkRepository of a Redis server."""

    def __init__(self, connection: Connection, keyspace: Keyspace) -> None:
        self._connection = connection
        self._keyspace = keyspace

    def keep(self, digest: str, link: ApprovalLink) -> None:
        """See ApprovalLinkRepository."""
        key = self._keyspace.approval_link(digest)
        self._connection.send("SET", key, LINK.encode(link), "PX", LIVES // _MILLISECOND)

    def get(self, digest: str) -> ApprovalLink | None:
        """See ApprovalLinkRepository."""
        return _read(self._connection.send("GET", self._keyspace.approval_link(digest)))

    def take(self, digest: str) -> ApprovalLink | None:
        """See ApprovalLinkRepository. If its answer is lost on the way, so is the link."""
        return _read(self._connection.send("GETDEL", self._keyspace.approval_link(digest)))


def _read(text: str | None) -> ApprovalLink | None:
    return None if text is None else LINK.decode(text)
