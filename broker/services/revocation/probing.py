"""Proving revocations: AWS is asked, through a twin, until it refuses what was revoked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from broker.domain.accounts import Account, Consent
from broker.domain.identifiers import SessionId
from broker.domain.ports import AccountRepository, Agenda, SessionRepository, Task, TaskKind
from broker.domain.probing import (
    EVERY,
    GRACE,
    PROBER,
    SOON,
    is_settled,
    pause_after,
    proved_with,
)
from broker.domain.sessions import Session
from broker.domain.trail.own_sessions import OwnSession
from broker.errors import DependencyUnavailable, StoreUnavailable, UpstreamRejected
from broker.services.ambient import Clock, Entropy
from broker.services.calls import Call
from broker.services.revocation.session_ends import SessionEnds
from broker.services.revocation.twins import Twins

IN_A_ROW = 3
"""Refusals that count as one: AWS's hosts learn of a change one after the other."""

CLOCKS_DIFFER = timedelta(seconds=2)
"""AWS dates a session in whole seconds, by its own clock."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Probing:
    """Works on one revoked session, the leader of those that were revoked with it.

    What is found is written for all of them. While nothing is found the task comes again, ever
    more seldom, until the credentials have expired anyway.
    """

    accounts: AccountRepository
    sessions: SessionRepository
    agenda: Agenda
    ends: SessionEnds
    twins: Twins
    clock: Clock
    entropy: Entropy
    sleep: Callable[[float], None]

    def __call__(self, subject: str, call: Call) -> None:
        """Raises StoreUnavailable."""
        leader = self._leader(SessionId.parse(subject))
        if leader is None:
            return
        if self.clock() >= leader.expires_at:
            self.ends.given_up(leader, call)
            return
        account = self._account_once_denied(leader, call)
        refused_at = None if account is None else self._asked(leader, account, call)
        if refused_at is None:
            self._put_off(leader)
            return
        self._proved(leader, refused_at, call)

    def _put_off(self, leader: Session) -> None:
        """Without a write to the record: that nothing was found yet is no news for the ledger."""
        again = self.clock() + pause_after(leader, self.clock())
        task = Task(TaskKind.SESSION, leader.session_id)
        self.agenda.conclude(task, next_at=min(again, leader.expires_at))

    def _leader(self, session_id: SessionId) -> Session | None:
        stored = self.sessions.get(session_id)
        if stored is None or stored.record.next_probe_at is None:
            return None
        return stored.record

    def _account_once_denied(self, leader: Session, call: Call) -> Account | None:
        """The account, once its Deny stands or has had time enough to; None before that."""
        # The sessions are read before the account: whoever revokes one makes the account due.
        waiting = [
            session.session_id
            for session in self.ends.living(leader.account_id)
            if session.revoked_at is not None and session.denied_at is None
        ]
        stored = self.accounts.get(leader.account_id)
        if stored is None:
            return None
        now = self.clock()
        if is_settled(stored.record, now):
            self.ends.denied(leader.account_id, waiting, call)
            return stored.record
        # A pass may fail over something else, long after the Deny was written.
        late = now - (leader.revoked_at or now) > GRACE
        return stored.record if late or leader.denied_at is not None else None

    def _asked(self, leader: Session, account: Account, call: Call) -> datetime | None:
        """When AWS was seen to refuse; None where it was not, or could not be asked."""
        try:
            return self._seen_to_refuse(leader, account, call)
        except StoreUnavailable:
            raise
        except (UpstreamRejected, DependencyUnavailable) as e:
            _log.warning("revocation_unproved", session=leader.session_id, code=e.code)
            return None

    def _seen_to_refuse(self, leader: Session, account: Account, call: Call) -> datetime | None:
        own = OwnSession(engineer=PROBER, ticket_id=leader.ticket_id, session_id=leader.session_id)
        refused_at = None
        with self.twins.opened(account, leader.access, own, call) as twin:
            for now in self._rounds(leader):
                if all(twin.ask() for _ in range(IN_A_ROW)):
                    refused_at = now
                    break
        if refused_at is None or account.consent is Consent.OFF:
            # With consent off nobody is let in, whatever the tag: there is nothing to compare.
            return refused_at
        return refused_at if self._stranger_is_let_in(leader, account, call) else None

    def _rounds(self, leader: Session) -> Iterator[datetime]:
        """Moments to ask at: every second for a while, later only one each time."""
        while True:
            now = self.clock()
            yield now
            if now - (leader.revoked_at or now) > SOON:
                return
            self.sleep(EVERY.total_seconds())

    def _stranger_is_let_in(self, leader: Session, account: Account, call: Call) -> bool:
        """Whether AWS lets in a session that differs in nothing but its tag.

        If not, something else refuses the twin as well: a service control policy of the customer's
        organisation, say, or a role that somebody emptied. Then its refusal proves nothing.
        """
        own = OwnSession(
            engineer=PROBER, ticket_id=leader.ticket_id, session_id=self.entropy.session_id()
        )
        self._outwait(account.revocations.issued_before)
        with self.twins.opened(account, leader.access, own, call) as stranger:
            return not stranger.ask()

    def _outwait(self, issued_before: datetime | None) -> None:
        """Be young enough not to be denied by time."""
        if issued_before is not None:
            left = issued_before + CLOCKS_DIFFER - self.clock()
            self.sleep(max(0.0, left.total_seconds()))

    def _proved(self, leader: Session, refused_at: datetime, call: Call) -> None:
        """Write it down for everything that it proves; the leader last, so a crash repeats it."""
        others = [
            session.session_id
            for session in self.ends.living(leader.account_id)
            if proved_with(leader, session) and session.session_id != leader.session_id
        ]
        ids = [*others, leader.session_id]
        self.ends.refused(leader.account_id, ids, call, refused_at=refused_at)
