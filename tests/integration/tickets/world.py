"""Tickets at a source of the test's own, grants and sessions for them on a real store."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from broker.domain.accounts import Account
from broker.domain.grants import Grant, GrantState
from broker.domain.identifiers import AccountId, EngineerId, GrantId, TicketId
from broker.domain.ledger.entries import BROKER_CHAIN, LedgerEntry, chain_of
from broker.domain.ports import Save, TaskKind, Versioned
from broker.domain.sessions import Session
from broker.domain.ticket_standing import Rounds
from broker.domain.tickets import Ticket, TicketStatus
from broker.errors import DependencyUnavailable
from broker.services.background.crew import call_of_worker
from broker.services.revocation.ending import Ending
from broker.services.revocation.enforcing import Enforcing
from broker.services.revocation.session_ends import SessionEnds
from broker.services.tickets.lookup import TicketLookup
from broker.services.tickets.watch import TicketWatch
from broker.store import Store
from tests.contract.store_samples import (
    NOW,
    ONE,
    TWO,
    a_grant,
    a_session,
    a_ticket,
    an_account,
    write,
)

BOB = EngineerId("bob@example.com")
TICKET = TicketId("T-0001")
EVERY, SILENCE = timedelta(seconds=20), timedelta(minutes=15)
A_DAY = timedelta(days=1)


@dataclass
class Clock:
    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now


@dataclass
class Source:
    """The ticket as it is there; `silent` while it does not answer."""

    ticket: Ticket | None
    silent: bool = False
    asked: int = 0
    meanwhile: Callable[[], None] | None = None

    def find(self, ticket_id: TicketId) -> Ticket | None:
        self.asked += 1
        if self.silent:
            raise DependencyUnavailable("It is down.", code="ticket_source_unavailable")
        told = self.ticket if self.ticket and self.ticket.ticket_id == ticket_id else None
        if self.meanwhile is not None:
            self.meanwhile()
        return told

    def say(self, **changes: Any) -> None:
        """Change the ticket there."""
        assert self.ticket is not None
        self.ticket = replace(self.ticket, **changes)

    def close(self) -> None:
        self.say(status=TicketStatus.CLOSED)


@dataclass(frozen=True)
class UnhinderedReconcile:
    """Passes over accounts that find AWS willing."""

    store: Store

    def run(self, account_id: AccountId, *_: Any, **__: Any) -> Account:
        stored = self.store.accounts.get(account_id)
        assert stored is not None
        return stored.record


@dataclass
class World:
    """A store with two accounts, and whatever works on tickets in it."""

    store: Store
    clock: Clock
    source: Source
    rounds: Rounds | None = field(
        default_factory=lambda: Rounds(every=EVERY, longest_silence=SILENCE)
    )

    def __post_init__(self) -> None:
        for account_id in (ONE, TWO):
            write(self.store, an_account(account_id))
        self.lookup = self.a_lookup()

    def a_lookup(self) -> TicketLookup:
        """One of a process of its own."""
        return TicketLookup(
            source=self.source,
            tickets=self.store.tickets,
            journal=self.store.journal,
            clock=self.clock,
        )

    @property
    def ending(self) -> Ending:
        store = self.store
        ends = SessionEnds(
            journal=store.journal,
            accounts=store.accounts,
            sessions=store.sessions,
            longest_session=timedelta(hours=4),
            clock=self.clock,
        )
        reconcile: Any = UnhinderedReconcile(store)
        return Ending(
            journal=store.journal,
            grants=store.grants,
            sessions=store.sessions,
            ends=ends,
            enforcing=Enforcing(reconcile=reconcile, ends=ends),
            clock=self.clock,
        )

    @property
    def watch(self) -> TicketWatch:
        store = self.store
        return TicketWatch(
            ask=store.tickets.get if self.rounds is None else self.lookup.ask,
            rounds=self.rounds,
            tickets=store.tickets,
            grants=store.grants,
            sessions=store.sessions,
            ending=self.ending,
            journal=store.journal,
            agenda=store.agenda,
            clock=self.clock,
        )

    def grant(self, number: int, account_id: AccountId = ONE, **changes: Any) -> Grant:
        """A grant for the ticket, with one session under it."""
        stands = {"expires_at": NOW + A_DAY, "account_id": account_id, **changes}
        grant = a_grant(number, **stands)
        write(self.store, grant)
        write(
            self.store,
            a_session(
                number,
                account_id=account_id,
                grant_id=grant.grant_id,
                engineer=grant.engineer,
                expires_at=NOW + timedelta(hours=4),
            ),
        )
        return grant

    def state_of(self, grant: Grant) -> GrantState:
        return self._grant(grant.grant_id).record.state_at(self.clock())

    def reason_of(self, grant: Grant) -> str | None:
        return self._grant(grant.grant_id).record.decision_reason

    def _grant(self, grant_id: GrantId) -> Versioned[Grant]:
        stored = self.store.grants.get(grant_id)
        assert stored is not None
        return stored

    def sessions_of(self, grant: Grant) -> Sequence[Session]:
        found = self.store.sessions.of_grant(grant.account_id, grant.grant_id)
        return [each.record for each in found]

    def has_ended(self, grant: Grant) -> bool:
        """Whether the grant is over and each session under it denied."""
        denied = [session.denied_at is not None for session in self.sessions_of(grant)]
        return self.state_of(grant) is GrantState.REVOKED and all(denied) and bool(denied)

    def write_ticket(self, **changes: Any) -> None:
        """Write the ticket as the console would."""
        stored = self.store.tickets.get(TICKET)
        before = a_ticket(assignees=()) if stored is None else stored.record
        write(self.store, replace(before, **changes), expected=stored.version if stored else 0)

    def work(self) -> int:
        """Work off what is due of tickets, as a worker does; how often that was."""
        passes = 0
        while tasks := self._due():
            for subject in tasks:
                self.watch(subject, call_of_worker())
                passes += 1
                assert passes < 100, "it is put down for the same time again and again"
        return passes

    def _due(self) -> list[str]:
        claimed = self.store.agenda.claim(
            now=self.clock(),
            hold=timedelta(minutes=10),
            limit=10,
            holds={TaskKind.TICKET: timedelta(seconds=30)},
        )
        return [task.subject for task in claimed if task.kind is TaskKind.TICKET]

    def ledger(self, account_id: AccountId | None = None) -> list[LedgerEntry]:
        """The entries of a chain that are about tickets, grants and sessions."""
        chain = BROKER_CHAIN if account_id is None else chain_of(account_id)
        entries = self.store.journal.entries(chain, after=0, limit=1000)
        return [e for e in entries if e.action.split(".")[0] in ("ticket", "grant", "session")]


def a_world(store: Store, **changes: Any) -> World:
    """With an open ticket at the source that is anybody's."""
    clock = changes.pop("clock", None) or Clock()
    return World(store, clock, Source(a_ticket(assignees=())), **changes)


def save_of(stored: Versioned[Ticket], **changes: Any) -> Save:
    """A write of the ticket by somebody else."""
    return Save(replace(stored.record, **changes), expected=stored.version)
