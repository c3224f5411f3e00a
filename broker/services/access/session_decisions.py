"""The decision on a session, with what it was made on: account, ticket and grants as of now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from broker.domain.access import Decision, Limits, decide
from broker.domain.accounts import Account
from broker.domain.grants import Grant
from broker.domain.identifiers import GrantId
from broker.domain.identity.permissions import Action, may_ever
from broker.domain.ports import AccountRepository, CurrentTickets, GrantRepository, Versioned
from broker.domain.sessions import SessionRequest
from broker.services.calls import Call


@dataclass(frozen=True, slots=True)
class Decided:
    """A decision, and the account and the grants in the versions that it was made on.

    Whoever writes what follows from it names those versions, so that nothing is written which a
    change in between would have forbidden.
    """

    decision: Decision
    account: Versioned[Account] | None
    grants: tuple[Versioned[Grant], ...]

    def grant(self, grant_id: GrantId) -> Versioned[Grant] | None:
        """One of those grants."""
        return next((found for found in self.grants if found.record.grant_id == grant_id), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionDecisions:
    """Reads what the access decision needs, and makes it."""

    accounts: AccountRepository
    tickets: CurrentTickets
    grants: GrantRepository
    limits: Limits

    def __call__(self, request: SessionRequest, call: Call, *, now: datetime) -> Decided:
        """The decision as of `now`.

        Raises DependencyUnavailable (`ticket_source_unavailable`) where nobody knows the ticket,
        and StoreUnavailable.
        """
        account = self.accounts.get(request.account_id)
        # Who may not ask for sessions at all sets no ticket system in motion.
        may_ask = may_ever(call.caller, Action.OPEN_SESSION)
        ticket = self.tickets.get(request.ticket_id) if may_ask else None
        # The grants come last: who closes a ticket writes that down first, and then ends them.
        grants = self.grants.of_engineer(request.account_id, request.engineer)
        decision = decide(
            request,
            caller=call.caller,
            account=account.record if account else None,
            ticket=ticket.record if ticket else None,
            grants=[grant.record for grant in grants],
            limits=self.limits,
            now=now,
        )
        return Decided(decision, account, grants)
