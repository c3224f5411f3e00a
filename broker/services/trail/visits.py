"""Visits to a customer's trail: a session of the broker's own, in the ledger before and after."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from broker.domain.access import account_refuses
from broker.domain.accounts import Account
from broker.domain.grants import Access
from broker.domain.identifiers import EngineerId, TicketId
from broker.domain.ledger.entries import Detail, LedgerAction, Outcome, chain_of
from broker.domain.ports import Journal
from broker.domain.refusals import refusal
from broker.domain.sessions import Credentials
from broker.domain.trail.own_sessions import OwnSession
from broker.errors import BrokerError
from broker.services.ambient import Clock, Entropy
from broker.services.bulkhead import Bulkhead
from broker.services.calls import Call
from broker.services.issuer.own_access import OwnAccess

T = TypeVar("T")

LOOK_UP = ("cloudtrail:LookupEvents",)
"""All that such a session may do."""

VISITOR = EngineerId("broker-trail")


@dataclass(frozen=True, slots=True, kw_only=True)
class Purpose:
    """What a visit is for: its action in the ledger, and what stands in the place of a ticket."""

    action: LedgerAction
    ticket_id: TicketId
    ids: Mapping[str, str] = field(default_factory=dict)
    details: Mapping[str, Detail] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Brought(Generic[T]):
    """What a visit has brought back, and what the ledger is told of it."""

    found: T
    outcome: Outcome = Outcome.DONE
    reason: str | None = None
    details: Mapping[str, Detail] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrailVisits:
    """Opens them, through the account's read role like an engineer's session."""

    journal: Journal
    own_access: OwnAccess
    bulkhead: Bulkhead
    clock: Clock
    entropy: Entropy

    def visit(
        self,
        account: Account,
        purpose: Purpose,
        call: Call,
        look: Callable[[Credentials], Brought[T]],
    ) -> T:
        """What `look` finds with credentials that can do nothing but look up events.

        Raises AccessDenied (`consent_off`, `account_not_active`) where the customer or the state
        of the account does not let the broker in, and what `OwnAccess.credentials` and `look`
        raise: each ends in the ledger. Raises DependencyUnavailable (`too_busy`) like `Bulkhead`,
        for the reading takes long, and one customer must not keep all of our threads waiting.
        """
        visit = _Visit(self, account, purpose, call)
        visit.refuse_if_closed()
        with self.bulkhead.place():
            return self._made(visit, account, look)

    def _made(
        self, visit: _Visit, account: Account, look: Callable[[Credentials], Brought[T]]
    ) -> T:
        visit.record(Outcome.INTENDED)
        try:
            credentials = self._credentials(account, visit)
            brought = look(credentials)
        except BrokerError as e:
            visit.record(Outcome.FAILED, reason=e.code)
            raise
        visit.record(brought.outcome, reason=brought.reason, details=brought.details)
        return brought.found

    def _credentials(self, account: Account, visit: _Visit) -> Credentials:
        credentials = self.own_access.credentials(
            account,
            access=Access.READ,
            actions=LOOK_UP,
            engineer=visit.own.engineer,
            ticket_id=visit.own.ticket_id,
            session_id=visit.own.session_id,
        )
        visit.access_key_ids.append(credentials.access_key_id)
        return credentials


class _Visit:
    """One visit, and its entries."""

    def __init__(self, visits: TrailVisits, account: Account, purpose: Purpose, call: Call) -> None:
        self._visits = visits
        self._account = account
        self._purpose = purpose
        self._call = call
        self.access_key_ids: list[str] = []
        self.own = OwnSession(
            engineer=VISITOR,
            ticket_id=purpose.ticket_id,
            session_id=visits.entropy.session_id(),
        )

    def refuse_if_closed(self) -> None:
        reason = account_refuses(self._account)
        if reason is not None:
            self._write(Outcome.REFUSED, reason.value, self._purpose.ids, self._purpose.details)
            raise refusal(reason)

    def record(
        self,
        outcome: Outcome,
        *,
        reason: str | None = None,
        details: Mapping[str, Detail] | None = None,
    ) -> None:
        self._write(
            outcome,
            reason,
            {**self._purpose.ids, **self.own.ids},
            {
                **self._purpose.details,
                **self.own.details(self.access_key_ids),
                **(details or {}),
            },
        )

    def _write(
        self,
        outcome: Outcome,
        reason: str | None,
        ids: Mapping[str, str],
        details: Mapping[str, Detail],
    ) -> None:
        event = self._call.event(
            self._purpose.action, outcome, reason=reason, ids=ids, details=details
        )
        self._visits.journal.record(
            chain_of(self._account.account_id), event, now=self._visits.clock()
        )
