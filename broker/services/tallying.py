"""How many sessions were opened and refused in each hour, for whoever runs the broker."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta

from broker.domain.identity.permissions import Action
from broker.domain.ports import Tally, TallyRepository
from broker.services.ambient import Clock
from broker.services.authorization import Gate
from broker.services.calls import Call
from broker.services.gathering import Gatherer

OPENED = "opened"
REFUSED = "refused"
"""Before the code of the refusal, with a space between."""

_GATHERED_FOR = 2.0


class Tallies:
    """Counts beside the requests, and keeps the counts by the hour."""

    def __init__(self, *, kept: TallyRepository, clock: Clock, gate: Gate) -> None:
        self._kept = kept
        self._clock = clock
        self._gate = gate
        self._notes = Gatherer(self._tell, lost="tallies_lost", pause=_GATHERED_FOR)

    def session_opened(self) -> None:
        """Count a session."""
        self._notes.note((self._hour(), OPENED))

    def session_refused(self, *, reason: str) -> None:
        """Count a request for a session that got none, by the code of its answer."""
        self._notes.note((self._hour(), f"{REFUSED} {reason}"))

    def flush(self) -> None:
        """Tell the store now."""
        self._notes.flush()

    def last(self, hours: int, call: Call) -> Sequence[Tally]:
        """The counts of so many hours, this one the last. Raises AccessDenied for all but those
        who may see every session.
        """
        self._gate.require(call, Action.READ_SESSION)
        until = self._hour() + timedelta(hours=1)
        return self._kept.between(until - timedelta(hours=hours), until)

    def _hour(self) -> datetime:
        return hour_of(self._clock())

    def _tell(self, notes: Sequence[tuple[datetime, str]]) -> None:
        counted = Counter(notes)
        self._kept.add([Tally(hour, name, count) for (hour, name), count in counted.items()])


def hour_of(moment: datetime) -> datetime:
    """When the hour began that `moment` is in."""
    return moment.replace(minute=0, second=0, microsecond=0)
