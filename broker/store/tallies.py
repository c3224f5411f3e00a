"""Counts by the hour, a hash a day, which forget themselves."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, time, timedelta

from broker.domain.ports import Tally
from broker.store.connection import Connection
from broker.store.keyspace import Keyspace

KEPT = timedelta(days=35)
_DAY = timedelta(days=1)


class Tallies:
    """The TallyRepository of a Redis server."""

    def __init__(self, connection: Connection, keyspace: Keyspace) -> None:
        self._connection = connection
        self._keyspace = keyspace

    def add(self, tallies: Sequence[Tally]) -> None:
        """See TallyRepository."""
        commands: list[tuple[str | int, ...]] = []
        for tally in tallies:
            key = self._key(tally.hour)
            field = f"{tally.hour:%H} {tally.name}"
            commands += (
                ("HINCRBY", key, field, tally.count),
                ("EXPIRE", key, int(KEPT.total_seconds())),
            )
        if commands:
            self._connection.send_all(commands)

    def between(self, since: datetime, until: datetime) -> Sequence[Tally]:
        """See TallyRepository."""
        days = tuple(_days(since, until))
        if not days:
            return ()
        found = self._connection.send_all([("HGETALL", self._key(day)) for day in days])
        counted = [
            Tally(_hour_of(day, field), field.partition(" ")[2], int(count))
            for day, hash_of_day in zip(days, found, strict=True)
            for field, count in hash_of_day.items()
        ]
        within = (tally for tally in counted if since <= tally.hour < until)
        return sorted(within, key=lambda tally: (tally.hour, tally.name))

    def _key(self, moment: datetime) -> str:
        return self._keyspace.tallies(f"{moment.astimezone(UTC):%Y-%m-%d}")


def _days(since: datetime, until: datetime) -> Iterator[datetime]:
    day = datetime.combine(since.astimezone(UTC).date(), time(), UTC)
    while day < until:
        yield day
        day += _DAY


def _hour_of(day: datetime, field: str) -> datetime:
    return day + timedelta(hours=int(field[:2]))
