"""Comparing a ticket with what was granted for it, and ending what it no longer carries.

Level-triggered: it does not matter what happened, or how often somebody comes by to look. The store
puts a ticket down for a comparison whenever it, or a grant for it, is written; a ticket at a source
that tells of nothing is looked at again and again while something is granted for it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from broker.domain.access import Reason
from broker.domain.grants import Grant, GrantState
from broker.domain.identifiers import GrantId, TicketId
from broker.domain.ledger.entries import BROKER_CHAIN, Detail, LedgerAction, Outcome
from broker.domain.ports import (
    Agenda,
    GrantRepository,
    Journal,
    Save,
    SessionRepository,
    Task,
    TaskKind,
    TicketRepository,
    Versioned,
)
from broker.domain.sessions import Session, is_live
from broker.domain.ticket_standing import Rounds, Silence, Standing, Told
from broker.domain.tickets import Ticket
from broker.errors import DependencyUnavailable
from broker.services.ambient import Clock
from broker.services.calls import Call

_LIVE = frozenset({GrantState.REQUESTED, GrantState.APPROVED})
"""Grants that hold, and requests that somebody may still approve."""


class EndsGrants(Protocol):
    """See `services/revocation/ending.py`."""

    def end_grants(
        self, grant_ids: Sequence[GrantId], call: Call, *, reason: str
    ) -> tuple[Session, ...]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketWatch:
    """One comparison, as the worker's handler of a ticket. Safe to repeat, and at any time.

    `ask` gives the ticket as it is now, without anything remembered. Without `rounds` a ticket
    changes only by being written, and is not looked at again before it is.
    """

    ask: Callable[[TicketId], Versioned[Ticket] | None]
    rounds: Rounds | None
    tickets: TicketRepository
    grants: GrantRepository
    sessions: SessionRepository
    ending: EndsGrants
    journal: Journal
    agenda: Agenda
    clock: Clock

    def __call__(self, subject: str, call: Call) -> None:
        """End what the ticket no longer carries, and say when to look again.

        The ticket is asked for before its grants are listed, and a grant that is written later
        brings the ticket here again. Raises StoreUnavailable.
        """
        ticket_id = TicketId.parse(subject)
        next_at: datetime | None = None
        if self._live(ticket_id):
            standing = self._standing(ticket_id, call)
            if self._end(ticket_id, standing, call) and self.rounds is not None:
                next_at = self.clock() + standing.look_again_after(self.rounds)
        self._finish(ticket_id, call)
        self.agenda.conclude(Task(TaskKind.TICKET, ticket_id), next_at=next_at)

    def _granted(self, ticket_id: TicketId) -> list[Grant]:
        return [grant.record for grant in self.grants.of_ticket(ticket_id)]

    def _live(self, ticket_id: TicketId) -> list[Grant]:
        now = self.clock()
        return [grant for grant in self._granted(ticket_id) if grant.state_at(now) in _LIVE]

    def _standing(self, ticket_id: TicketId, call: Call) -> Standing:
        try:
            asked = self.ask(ticket_id)
        except DependencyUnavailable as e:
            if e.code != Reason.TICKET_UNKNOWN or self.rounds is None:
                raise
            return self._silence(ticket_id, self.rounds, call)
        return Told(asked.record if asked else None)

    def _silence(self, ticket_id: TicketId, rounds: Rounds, call: Call) -> Standing:
        """How long it has lasted. Its beginning is written down, so that no restart forgets it."""
        stored = self.tickets.get(ticket_id)
        if stored is None:
            return Told(None)
        now = self.clock()
        since = stored.record.silent_since
        if since is None:
            self._record_silence(stored, now, call)
        return Silence(now - (since or now), rounds.longest_silence)

    def _record_silence(self, stored: Versioned[Ticket], now: datetime, call: Call) -> None:
        event = call.event(
            LedgerAction.TICKET_UNCONFIRMED,
            Outcome.FAILED,
            reason=Reason.TICKET_UNKNOWN.value,
            ids={"ticket": stored.record.ticket_id},
        )
        silent = replace(stored.record, silent_since=now)
        save = Save(silent, expected=stored.version)
        self.journal.record(BROKER_CHAIN, event, now=now, saves=[save])

    def _end(self, ticket_id: TicketId, standing: Standing, call: Call) -> int:
        """End the grants that do not stand; how many still do."""
        live = self._live(ticket_id)
        over: dict[str, list[GrantId]] = {}
        for grant in live:
            objection = standing.objection(grant)
            if objection is not None:
                over.setdefault(objection, []).append(grant.grant_id)
        for reason, grant_ids in over.items():
            self._end_for(reason, ticket_id, grant_ids, call)
        return len(live) - sum(map(len, over.values()))

    def _end_for(
        self, reason: str, ticket_id: TicketId, grant_ids: Sequence[GrantId], call: Call
    ) -> None:
        def record(outcome: Outcome, **counts: Detail) -> None:
            event = call.event(
                LedgerAction.TICKET_ENDED,
                outcome,
                reason=reason,
                ids={"ticket": ticket_id},
                details={"grants": len(grant_ids), **counts},
            )
            self.journal.record(BROKER_CHAIN, event, now=self.clock())

        record(Outcome.INTENDED)
        ended = self.ending.end_grants(grant_ids, call, reason=reason)
        record(Outcome.DONE, sessions=len(ended))

    def _finish(self, ticket_id: TicketId, call: Call) -> None:
        """End the sessions of grants that were ended, if whoever did that got no further."""
        for grant in self._granted(ticket_id):
            if grant.decided is GrantState.REVOKED and self._left_alive(grant):
                reason = grant.decision_reason or "grant_revoked"
                self.ending.end_grants([grant.grant_id], call, reason=reason)

    def _left_alive(self, grant: Grant) -> bool:
        now = self.clock()
        return any(
            is_live(session.record, now)
            for session in self.sessions.of_grant(grant.account_id, grant.grant_id)
        )
