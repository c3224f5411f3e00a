"""Finding grants: which of them a caller may see, and which they may do something to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from broker.domain.grants import Grant, GrantState
from broker.domain.identifiers import AccountId, EngineerId, GrantId, TicketId
from broker.domain.identity.permissions import Action, permits, visibility
from broker.domain.ports import GrantRepository, Page, Versioned
from broker.errors import NotFound
from broker.services.ambient import Clock
from broker.services.authorization import Gate
from broker.services.calls import Call
from broker.services.paging import sifted
from broker.services.reading import Window


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantFilter:
    """Which grants are asked for; None is no filter."""

    account_id: AccountId | None = None
    ticket_id: TicketId | None = None
    engineer: EngineerId | None = None
    state: GrantState | None = None

    def lets_through(self, grant: Grant, *, now: datetime) -> bool:
        """Whether the ticket and the state are those asked for; the store sees to the rest."""
        return self.ticket_id in (None, grant.ticket_id) and self.state in (
            None,
            grant.state_at(now),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Grants:
    """The reading side of grants. What a caller may not see looks as if it did not exist."""

    grants: GrantRepository
    gate: Gate
    clock: Clock

    def one(self, grant_id: GrantId, call: Call) -> Grant:
        """One grant. Raises AccessDenied, NotFound."""
        self.gate.require_role(call, Action.READ_GRANT)
        stored = self.grants.get(grant_id)
        if stored is None or not _sees(call, stored.record):
            raise _no_such_grant()
        return stored.record

    def page(self, window: Window, wanted: GrantFilter, call: Call) -> Page[Grant]:
        """The grants that the caller may see, newest first.

        A part may hold fewer than its limit, even none, where a filter passes over many.
        """
        self.gate.require_role(call, Action.READ_GRANT)
        account_ids, engineer = _in_sight(wanted, call)
        now = self.clock()
        return sifted(
            lambda cursor, limit: self.grants.page(
                account_ids=account_ids, engineer=engineer, cursor=cursor, limit=limit
            ),
            lambda grant: wanted.lets_through(grant, now=now),
            cursor=window.cursor,
            limit=window.limit,
        )

    def required(self, grant_id: GrantId, action: Action, call: Call) -> Versioned[Grant]:
        """The grant, for somebody who may do `action` to it.

        Raises AccessDenied, or NotFound where they may not know of it; both are in the broker's
        chain then, for a stranger must not be able to lengthen an account's.
        """
        self.gate.require_role(call, action)
        stored = self.grants.get(grant_id)
        if stored is None or not _sees(call, stored.record):
            self.gate.record_hidden(call, action, ids={"grant": grant_id})
            raise _no_such_grant()
        grant = stored.record
        self.gate.require(call, action, account_id=grant.account_id, engineer=grant.engineer)
        return stored


def _sees(call: Call, grant: Grant) -> bool:
    return permits(
        call.caller, Action.READ_GRANT, account_id=grant.account_id, engineer=grant.engineer
    )


def _in_sight(
    wanted: GrantFilter, call: Call
) -> tuple[tuple[AccountId, ...] | None, EngineerId | None]:
    """What the store is asked for: the filter within what the caller sees; () matches nothing."""
    seen = visibility(call.caller, Action.READ_GRANT)
    if seen is None:
        return (), None
    account_ids = seen.account_ids
    if wanted.account_id is not None:
        hidden = account_ids is not None and wanted.account_id not in account_ids
        account_ids = frozenset() if hidden else frozenset({wanted.account_id})
    if seen.engineer is not None and wanted.engineer not in (None, seen.engineer):
        return (), None
    engineer = wanted.engineer if seen.engineer is None else EngineerId(seen.engineer)
    return None if account_ids is None else tuple(sorted(account_ids)), engineer


def _no_such_grant() -> NotFound:
    return NotFound("No such grant.")
