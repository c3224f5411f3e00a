"""Sliding windows: the time of each place taken, kept in the store until it is free again."""

from __future__ import annotations

import secrets
from datetime import timedelta

from broker.domain.limits import Full, Window
from broker.store.connection import Connection
from broker.store.keyspace import Keyspace
from broker.store.scripts import script

_MICROSECOND = timedelta(microseconds=1)


class Windows:
    """The WindowRepository of a Redis server."""

    def __init__(self, connection: Connection, keyspace: Keyspace) -> None:
        self._connection = connection
        self._keyspace = keyspace

    def take(self, *windows: Window) -> Full | None:
        """See WindowRepository."""
        return self._ask("take", windows)

    def look(self, *windows: Window) -> Full | None:
        """See WindowRepository."""
        return self._ask("look", windows)

    def _ask(self, what: str, windows: tuple[Window, ...]) -> Full | None:
        keys: list[str] = []
        args: list[str | int] = [secrets.token_hex(8), what]
        for window in windows:
            name = (window.counted.value, window.subject)
            keys += (self._keyspace.window(*name), self._keyspace.refused_window(*name))
            args += (window.limit.count, window.limit.period // _MICROSECOND)
        answer = self._connection.run_script(script("take_places"), keys=keys, args=args)
        if answer is None:
            return None
        number, wait, first = answer
        return Full(window=windows[number - 1], wait=timedelta(microseconds=wait), first=first == 1)
