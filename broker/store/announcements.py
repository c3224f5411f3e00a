"""What must be written in the broker's slot before a record may be written in its account's.

It only says where to look. Writing it first and letting readers pass over what is not there means
that no crash can leave a record that nobody finds. The agenda alone is settled after the write.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta

from broker.domain.accounts import Account
from broker.domain.grants import Grant
from broker.domain.ports import Record, Save, Task, TaskKind
from broker.domain.sessions import Session
from broker.domain.tickets import Ticket
from broker.errors import Conflict, StoreUnavailable
from broker.store.agenda import Agenda
from broker.store.connection import Connection
from broker.store.indexes import grant_member, milliseconds, session_member
from broker.store.keyspace import Keyspace
from broker.store.scripts import script

WRITTEN_WITHIN = timedelta(seconds=20)
"""Longer than any write takes from its announcement on: its patience, and all its attempts."""


class Announcements:
    """Makes accounts, grants and sessions findable, and issuer ids taken for ever."""

    def __init__(self, connection: Connection, keyspace: Keyspace) -> None:
        self._connection = connection
        self._keyspace = keyspace
        self._agenda = Agenda(connection, keyspace)

    def announce(self, save: Save, *, now: datetime) -> None:
        """Prepare for `save`. Raises Conflict where another account has the issuer id.

        What was granted for a ticket is compared with it whenever either is written. The task is
        put down twice: here for when the write is over, should we not live to say that it is.
        """
        match save.record:
            case Account():
                self._account(save.record)
            case Session() if save.expected == 0:
                self._session(save.record)
            case Grant():
                self._grant(save.record)
            case _:
                pass
        if (task := _comparison(save.record)) is not None:
            self._agenda.hasten(task, at=now + WRITTEN_WITHIN)
        self._agenda.announce(save)

    def settle(self, saves: Sequence[Save], *, now: datetime) -> None:
        """Let the agenda show the times of saves that were written, and what follows from them.

        They are written whatever becomes of this, and a task that stays as it was announced comes
        too early at worst: so a server that is gone by now is no failure.
        """
        with suppress(StoreUnavailable):
            for save in saves:
                self._agenda.settle(save)
                if (task := _comparison(save.record)) is not None:
                    self._agenda.hasten(task, at=now)

    def _account(self, account: Account) -> None:
        holder = self._connection.run_script(
            script("announce_account"),
            keys=[
                self._keyspace.accounts,
                self._keyspace.announcements,
                self._keyspace.issuer(account.issuer_id),
            ],
            args=[account.account_id],
        )
        if holder != account.account_id:
            raise Conflict("The issuer id was given to another account and is never used again.")

    def _grant(self, grant: Grant) -> None:
        """At each save: its end may have moved, and readers go by the latest that they are told."""
        member = grant_member(grant)
        on_ticket = self._keyspace.grants_on(grant.ticket_id)
        end = milliseconds(grant.expires_at)
        self._connection.send_all(
            [
                ("HSET", self._keyspace.grant_accounts, grant.grant_id, grant.account_id),
                ("ZADD", self._keyspace.grants, 0, member),
                ("ZADD", self._keyspace.grants_by(grant.engineer), 0, member),
                ("ZADD", on_ticket, "GT", end, f"{grant.account_id}/{grant.grant_id}"),
            ]
        )

    def _session(self, session: Session) -> None:
        member = session_member(session)
        self._connection.send_all(
            [
                (
                    "HSET",
                    self._keyspace.session_accounts,
                    session.session_id,
                    session.account_id,
                ),
                ("ZADD", self._keyspace.sessions, 0, member),
                ("ZADD", self._keyspace.sessions_of(session.engineer), 0, member),
            ]
        )


def _comparison(record: Record) -> Task | None:
    """The task of comparing a ticket with what was granted for it, where the record is of it."""
    match record:
        case Ticket(ticket_id=ticket_id) | Grant(ticket_id=ticket_id):
            return Task(TaskKind.TICKET, ticket_id)
        case _:
            return None
