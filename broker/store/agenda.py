"""The agenda: which record is due when, in one sorted set in the broker's slot.

Accounts lie in other slots, so the agenda cannot change in one step with them. A save is announced
before it is written and settled after it: the announcement adds its task or moves it to an earlier
time, and only settling moves it to a later one or removes it. A crash in between makes a task come
early or once too often, and loses none.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta

from broker.domain.accounts import Account
from broker.domain.hooks.records import Hook
from broker.domain.ports import Save, Task, TaskKind
from broker.domain.sessions import Session
from broker.store.connection import Connection
from broker.store.indexes import milliseconds, moment_of
from broker.store.keyspace import Keyspace
from broker.store.scripts import script

REMEMBERED = timedelta(minutes=1)
"""How long a claim gives the same tasks to whoever sends it again: longer than any retry takes."""

_MILLISECOND = timedelta(milliseconds=1)


class Agenda:
    """The Agenda of a Redis server, and the journal's part of it."""

    def __init__(self, connection: Connection, keyspace: Keyspace) -> None:
        self._connection = connection
        self._keyspace = keyspace

    def claim(
        self,
        *,
        now: datetime,
        hold: timedelta,
        limit: int,
        holds: Mapping[TaskKind, timedelta] | None = None,
    ) -> tuple[Task, ...]:
        """See the protocol Agenda."""
        by_kind: list[str | int] = []
        for kind, of_kind in (holds or {}).items():
            by_kind += (_members_of(kind), milliseconds(now + of_kind))
        claimed = self._connection.run_script(
            script("claim_tasks"),
            keys=[
                self._keyspace.agenda,
                self._keyspace.hastened,
                self._keyspace.claim(secrets.token_hex(8)),
            ],
            args=[
                milliseconds(now),
                milliseconds(now + hold),
                limit,
                REMEMBERED // _MILLISECOND,
                *by_kind,
            ],
        )
        return tuple(_read_member(member) for member in claimed)

    def hasten(self, task: Task, *, at: datetime) -> None:
        """See the protocol Agenda. The next claim ends it, a save for a later time does not."""
        self._connection.run_script(
            script("hasten_task"),
            keys=[self._keyspace.agenda, self._keyspace.hastened],
            args=[member_of(task), milliseconds(at)],
        )

    def conclude(self, task: Task, *, next_at: datetime | None) -> None:
        """See the protocol Agenda."""
        self._connection.run_script(
            script("conclude_task"),
            keys=[self._keyspace.agenda, self._keyspace.hastened],
            args=[member_of(task), "" if next_at is None else milliseconds(next_at)],
        )

    def next_due(self) -> datetime | None:
        """See the protocol Agenda."""
        first = self._connection.send("ZRANGE", self._keyspace.agenda, 0, 0, "WITHSCORES")
        return moment_of(int(first[1])) if first else None

    def announce(self, save: Save) -> None:
        """Put the record's task down before it is written, unless it is down for earlier."""
        entry = _entry_of(save)
        if entry is None:
            return
        task, due = entry
        self._connection.run_script(
            script("announce_task"),
            keys=[self._keyspace.agenda, self._keyspace.unsettled],
            args=[member_of(task), _version_of(save), "" if due is None else milliseconds(due)],
        )

    def settle(self, save: Save) -> None:
        """Put the task down for the time of the record that was written, or remove it.

        Nothing happens where a later write was announced meanwhile: that one settles it.
        """
        entry = _entry_of(save)
        if entry is None:
            return
        task, due = entry
        self._connection.run_script(
            script("settle_task"),
            keys=[self._keyspace.agenda, self._keyspace.unsettled, self._keyspace.hastened],
            args=[member_of(task), _version_of(save), "" if due is None else milliseconds(due)],
        )


def _entry_of(save: Save) -> tuple[Task, datetime | None] | None:
    """The task of a record and when it is due, if ever; None for records without a task.

    Nothing is due about a session that has just been opened: that spares the main job two writes.
    """
    match save.record:
        case Account(account_id=account_id, next_check_at=due):
            return Task(TaskKind.ACCOUNT, account_id), due
        case Hook(hook_id=hook_id, next_try_at=due):
            return Task(TaskKind.HOOK, hook_id), due
        case Session(session_id=session_id, next_probe_at=due) if save.expected > 0:
            return Task(TaskKind.SESSION, session_id), due
        case _:
            return None


def _version_of(save: Save) -> int:
    """The version that the record has once it is written."""
    return save.expected + 1


def member_of(task: Task) -> str:
    """A task in the agenda."""
    return f"{_members_of(task.kind)}{task.subject}"


def _members_of(kind: TaskKind) -> str:
    """What the tasks of one kind begin with."""
    return f"{kind}/"


def _read_member(member: str) -> Task:
    kind, _, subject = member.partition("/")
    return Task(TaskKind(kind), subject)
