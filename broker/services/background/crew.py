"""Threads that work on tasks, one each, so that a task that hangs delays no other.

This is the outermost edge of a task: whatever its handler raises is logged here, and the task is
put down in the agenda for another try.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from broker.domain.identity.permissions import Caller, Role
from broker.domain.ports import Agenda, Task, TaskKind
from broker.errors import BrokerError, DependencyUnavailable
from broker.services.ambient import Clock
from broker.services.background.alarm import Alarm
from broker.services.calls import Call
from broker.services.observations import Observer

Handler = Callable[[str, Call], object]
"""Works on one subject, and saves when it is due next; whatever it raises means: try again."""

_log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Shift:
    """What is being worked on, since when, and how often each task has failed in a row."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    running: dict[Task, datetime] = field(default_factory=dict)
    stuck: set[Task] = field(default_factory=set)
    failures: dict[Task, int] = field(default_factory=dict)

    def begin(self, task: Task, now: datetime) -> bool:
        """Note that it is being worked on; False if it is already."""
        with self.lock:
            if task in self.running:
                return False
            self.running[task] = now
            return True

    def end(self, task: Task) -> None:
        """Note that it no longer is."""
        with self.lock:
            del self.running[task]
            self.stuck.discard(task)

    def newly_stuck(self, begun_before: datetime) -> dict[Task, datetime]:
        """What has run since before then and was not known to be stuck, and since when."""
        with self.lock:
            found = {
                task: since
                for task, since in self.running.items()
                if since < begun_before and task not in self.stuck
            }
            self.stuck.update(found)
            return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Crew:
    """Works on at most `threads` tasks at once, and rings `alarm` when one of them is through."""

    agenda: Agenda
    handlers: Mapping[TaskKind, Handler]
    observer: Observer
    retry_after: Callable[[int], timedelta]
    clock: Clock
    threads: int
    alarm: Alarm
    _shift: _Shift = field(default_factory=_Shift, init=False)

    @property
    def busy(self) -> int:
        """How many tasks are being worked on, those that are stuck not counted."""
        with self._shift.lock:
            return len(self._shift.running) - len(self._shift.stuck)

    @property
    def free(self) -> int:
        """How many more could be."""
        return self.threads - self.busy

    def start(self, task: Task) -> None:
        """Work on `task`, unless an earlier try of it still runs here."""
        if self._shift.begin(task, self.clock()):
            # A daemon: a handler that never returns must not keep the process from ending.
            threading.Thread(target=self._work_on, args=(task,), daemon=True).start()

    def set_stuck_aside(self, *, after: timedelta) -> None:
        """Log, once each, the tasks that run for longer than `after`, and replace their threads."""
        for task, since in self._shift.newly_stuck(self.clock() - after).items():
            _log.error("task_stuck", **_names(task), since=since.isoformat())

    def _work_on(self, task: Task) -> None:
        try:
            self._try(task)
        finally:
            self._shift.end(task)
            self.alarm.ring()

    def _try(self, task: Task) -> None:
        call = call_of_worker()
        with structlog.contextvars.bound_contextvars(request_id=call.request_id):
            try:
                self.handlers[task.kind](task.subject, call)
            except BrokerError as e:
                _log.warning("task_failed", **_names(task), code=e.code)
                self._put_off(task)
            except Exception:
                _log.exception("task_failed", **_names(task))
                self._put_off(task)
            else:
                self._shift.failures.pop(task, None)
                self.observer.task_done(task.kind)

    def _put_off(self, task: Task) -> None:
        self.observer.task_failed(task.kind)
        failures = self._shift.failures.get(task, 0) + 1
        self._shift.failures[task] = failures
        # Where the store is gone it comes again anyway, once it is no longer held.
        with suppress(DependencyUnavailable):
            self.agenda.hasten(task, at=self.clock() + self.retry_after(failures))


def call_of_worker() -> Call:
    """A call on the broker's own account, with a request id that ties logs and ledger together."""
    caller = Caller(subject="broker:worker", roles=frozenset({Role.ADMIN}))
    return Call(caller=caller, request_id=secrets.token_hex(12), source_address="local")


def _names(task: Task) -> dict[str, str]:
    return {"kind": task.kind.value, "subject": task.subject}
