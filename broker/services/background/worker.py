"""The worker: claims what is due from the agenda and has it worked on.

Any number of workers may run at once. A task is claimed by one of them and comes again, to any,
when its time in the record has come, or when it was held for too long.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from broker.domain.ports import Agenda, Task, TaskKind
from broker.errors import DependencyUnavailable
from broker.services.ambient import Clock
from broker.services.background.alarm import Alarm
from broker.services.background.crew import Crew, Handler
from broker.services.observations import Observer

HOLD = timedelta(minutes=10)
"""How long a claimed task is held: longer than any pass, and than the lease that it works under."""

SHORTER_HOLDS: Mapping[TaskKind, timedelta] = {
    TaskKind.ACCOUNT: timedelta(minutes=1),
    TaskKind.SESSION: timedelta(minutes=1),
    TaskKind.TICKET: timedelta(seconds=30),
    TaskKind.WEBHOOK: timedelta(minutes=1),
    TaskKind.WEBHOOK_SWEEP: timedelta(minutes=1),
}
"""What ends access, and what tells of it, must not wait for ten minutes because a worker died.
Two who compare a ticket with what was granted for it at the same time do no harm, nor do two who
look after webhooks, or ask AWS about one session; and over one account there is one pass, which its
lease sees to however long it takes."""

PATIENCE = timedelta(seconds=30)
"""How long a worker that stops waits for what it has begun, as long as gunicorn does."""

IDLE = timedelta(seconds=1)
"""How long a worker looks away at most: so late comes what was hastened or saved as due at once."""

_NONE = timedelta(0)

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """Works on due tasks, at most `threads` at once.

    `retry_after` says how long a task waits after so many failures in a row, and
    `outage_pause` how long the worker does while the store does not answer.
    """

    agenda: Agenda
    handlers: Mapping[TaskKind, Handler]
    observer: Observer
    retry_after: Callable[[int], timedelta]
    outage_pause: Callable[[int], timedelta]
    clock: Clock
    threads: int
    standing: Sequence[Task] = ()
    """Tasks that come round by themselves, once they have been put down for the first time."""
    hold: timedelta = HOLD
    holds: Mapping[TaskKind, timedelta] = field(default_factory=lambda: SHORTER_HOLDS)
    patience: timedelta = PATIENCE

    def run(self, alarm: Alarm) -> None:
        """Work until `alarm` says stop; then finish what has begun, and claim nothing new.

        An outage of the store is logged once and waited for.
        """
        crew = self._crew(alarm)
        outages = 0
        begun = False
        while not alarm.stopping:
            try:
                begun = begun or self._begin()
                pause = self._turn(crew)
            except DependencyUnavailable as e:
                outages += 1
                pause = self.outage_pause(outages)
                if outages == 1:
                    _log.warning("worker_waits", code=e.code)
            else:
                if outages:
                    _log.info("worker_goes_on", outages=outages)
                outages = 0
            alarm.wait(pause.total_seconds())
        self._finish(crew)

    def work_off(self, alarm: Alarm) -> None:
        """Work on what is due now, and return when that is done, or when `alarm` says stop.

        What becomes due meanwhile is left for the next time, failed tasks among it. Raises
        DependencyUnavailable.
        """
        crew = self._crew(alarm)
        began = self.clock()
        self._begin()
        try:
            while not alarm.stopping:
                if not self._claim(crew, due_by=began) and not crew.busy:
                    break
                alarm.wait(IDLE.total_seconds())
                crew.set_stuck_aside(after=self.hold)
        finally:
            self._finish(crew)

    def _crew(self, alarm: Alarm) -> Crew:
        return Crew(
            agenda=self.agenda,
            handlers=self.handlers,
            observer=self.observer,
            retry_after=self.retry_after,
            clock=self.clock,
            threads=self.threads,
            alarm=alarm,
        )

    def _begin(self) -> bool:
        """Put down what comes round by itself; that is done then."""
        for task in self.standing:
            self.agenda.hasten(task, at=self.clock())
        return True

    def _turn(self, crew: Crew) -> timedelta:
        """Start what is due, as far as there are threads for it; how long to look away then."""
        crew.set_stuck_aside(after=self.hold)
        due = self.agenda.next_due()
        self.observer.next_due(due)
        now = self.clock()
        if not crew.free or due is None:
            return IDLE
        if due > now:
            return min(IDLE, due - now)
        self._claim(crew, due_by=now)
        return _NONE

    def _claim(self, crew: Crew, *, due_by: datetime) -> int:
        """Start tasks that were due by then, as many as there are threads for; how many."""
        if not crew.free:
            return 0
        late = self.clock() - due_by
        claimed = self.agenda.claim(
            now=due_by,
            hold=self.hold + late,
            limit=crew.free,
            holds={kind: hold + late for kind, hold in self.holds.items()},
        )
        for task in claimed:
            crew.start(task)
        return len(claimed)

    def _finish(self, crew: Crew) -> None:
        """Wait for what has begun, within bounds: what does not end comes again after its hold."""
        deadline = self.clock() + self.patience
        while crew.busy and (left := deadline - self.clock()) > _NONE:
            crew.alarm.wait(left.total_seconds())
        if crew.busy:
            _log.error("worker_stops_early", unfinished=crew.busy)
