"""Ending much at once: what an engineer has, what a ticket led to, an account, or everything.

First every grant and every session is written down, then AWS is told: whoever opens sessions
meanwhile finds the grant ended, and what AWS does not take in time the worker brings about.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import takewhile

import structlog

from broker.domain.accounts import AccountState
from broker.domain.grants import Grant, GrantState
from broker.domain.identifiers import AccountId, EngineerId, GrantId, SessionId
from broker.domain.identity.permissions import Action
from broker.domain.ledger.entries import BROKER_CHAIN, Detail, LedgerAction, Outcome
from broker.domain.ports import AccountRepository, GrantRepository, Journal
from broker.domain.revocations import Everything, OfAccount, OfEngineer, OfTicket, Scope
from broker.domain.sessions import Session
from broker.errors import Conflict
from broker.services.ambient import Clock
from broker.services.authorization import Gate
from broker.services.calls import Call
from broker.services.paging import LIMIT, every
from broker.services.registered import registered
from broker.services.revocation.ending import Ending
from broker.services.revocation.enforcing import Enforcing
from broker.services.revocation.session_ends import SessionEnds

OLDEST_GRANT = timedelta(days=61)
"""Older ones are over: a request waits for 30 days at most, and a grant lasts as long at most."""

_WITHOUT_ANYTHING = (AccountState.REGISTERED, AccountState.REMOVED)
"""Nothing of ours stands in such an account, so nothing there can be denied, or used."""

_LIVE = (GrantState.REQUESTED, GrantState.APPROVED)

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Revoked:
    """What was ended. `pending` are the accounts in which AWS has not taken it yet."""

    sessions: tuple[SessionId, ...]
    accounts: tuple[AccountId, ...]
    grants: int
    pending: frozenset[AccountId]
    seconds: float


@dataclass(slots=True)
class _Written:
    """What was written down so far; `denying` are the accounts that AWS has to be told of."""

    grants: int = 0
    sessions: dict[SessionId, Session] = field(default_factory=dict)
    denying: dict[AccountId, None] = field(default_factory=dict)

    def add(self, sessions: Iterable[Session]) -> None:
        for session in sessions:
            self.sessions[session.session_id] = session
            if session.denied_at is None:
                self.denying[session.account_id] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RevokeMany:
    """Ends all of a scope: grants, requests for them, and sessions."""

    journal: Journal
    accounts: AccountRepository
    grants: GrantRepository
    gate: Gate
    ending: Ending
    ends: SessionEnds
    enforcing: Enforcing
    clock: Clock

    def __call__(self, scope: Scope, call: Call, *, reason: str) -> Revoked:
        """What was ended, once AWS was told of it, or had time enough to be.

        Asking again is safe, and ends what has come since. Raises AccessDenied, NotFound for an
        account that is not registered, Conflict where an account is written to all the time, and
        StoreUnavailable: then it may be done in part, and has to be asked for again.
        """
        self._require(scope, call)
        begun = self.clock()
        self._record(scope, call, Outcome.INTENDED, reason)
        written = _Written()
        self._write_down(scope, written, call, reason)
        taken = self.enforcing.everywhere(written.denying, call)
        self._note_denied(written, taken, call)
        revoked = Revoked(
            sessions=tuple(written.sessions),
            accounts=tuple(_accounts(written)),
            grants=written.grants,
            pending=frozenset(written.denying) - taken,
            seconds=(self.clock() - begun).total_seconds(),
        )
        self._record(scope, call, Outcome.DONE, reason, counts=_counts(revoked))
        return revoked

    def _require(self, scope: Scope, call: Call) -> None:
        if isinstance(scope, OfAccount):
            self.gate.require(call, Action.REVOKE_ACCOUNT, account_id=scope.account_id)
        else:
            self.gate.require(call, Action.REVOKE_MANY)

    def _write_down(self, scope: Scope, written: _Written, call: Call, reason: str) -> None:
        match scope:
            case OfEngineer(engineer=engineer):
                self._end_engineer(engineer, written, call, reason)
            case OfTicket(ticket_id=ticket_id):
                found = [each.record for each in self.grants.of_ticket(ticket_id)]
                written.grants += len(self._still_live(found))
                ids = [grant.grant_id for grant in found]
                written.add(self.ending.write_down(ids, call, reason=reason))
            case OfAccount(account_id=account_id):
                self._end_account(account_id, written, call, reason)
            case Everything():
                self._end_everything(written, call, reason)

    def _end_engineer(
        self, engineer: EngineerId, written: _Written, call: Call, reason: str
    ) -> None:
        live = self._live_grants(account_ids=None, engineer=engineer)
        written.grants += len(self.ending.end_only(live, call, reason=reason))
        by_account: dict[AccountId, list[SessionId]] = {}
        for session in self.ends.living_of(engineer):
            by_account.setdefault(session.account_id, []).append(session.session_id)
        for account_id, ids in by_account.items():
            written.add(self.ends.end(account_id, ids, call, reason=reason))

    def _end_account(
        self, account_id: AccountId, written: _Written, call: Call, reason: str
    ) -> None:
        account = registered(self.accounts, account_id).record
        live = self._live_grants(account_ids=[account_id], engineer=None)
        written.grants += len(self.ending.end_only(live, call, reason=reason))
        if account.state not in _WITHOUT_ANYTHING:
            # Also where no session is known: a token may have led to one that no record has.
            written.denying[account_id] = None
            written.add(self.ends.end_all(account_id, call, reason=reason))

    def _end_everything(self, written: _Written, call: Call, reason: str) -> None:
        """One account that is written to all the time must not keep the others."""
        refused: list[Conflict] = []
        for account in every(lambda cursor: self.accounts.page(cursor=cursor, limit=LIMIT)):
            try:
                self._end_account(account.account_id, written, call, reason)
            except Conflict as e:
                _log.error("account_not_revoked", account=account.account_id, code=e.code)
                refused.append(e)
        if refused:
            self.enforcing.everywhere(written.denying, call)
            raise refused[0]

    def _note_denied(self, written: _Written, taken: frozenset[AccountId], call: Call) -> None:
        by_account: dict[AccountId, list[SessionId]] = {}
        for session in written.sessions.values():
            if session.account_id in taken:
                by_account.setdefault(session.account_id, []).append(session.session_id)
        for account_id, ids in by_account.items():
            self.ends.denied(account_id, ids, call)

    def _live_grants(
        self, *, account_ids: Sequence[AccountId] | None, engineer: EngineerId | None
    ) -> list[GrantId]:
        oldest = self.clock() - OLDEST_GRANT
        newest_first = every(
            lambda cursor: self.grants.page(
                account_ids=account_ids, engineer=engineer, cursor=cursor, limit=LIMIT
            )
        )
        recent = takewhile(lambda grant: grant.created_at >= oldest, newest_first)
        return [grant.grant_id for grant in self._still_live(recent)]

    def _still_live(self, grants: Iterable[Grant]) -> list[Grant]:
        now = self.clock()
        return [grant for grant in grants if grant.state_at(now) in _LIVE]

    def _record(
        self,
        scope: Scope,
        call: Call,
        outcome: Outcome,
        reason: str,
        *,
        counts: dict[str, Detail] | None = None,
    ) -> None:
        event = call.event(
            LedgerAction.REVOCATION_ASKED,
            outcome,
            reason=reason,
            ids=_ids(scope),
            details={"scope": _NAMES[type(scope)], **(counts or {})},
        )
        self.journal.record(BROKER_CHAIN, event, now=self.clock())


_NAMES = {
    OfEngineer: "engineer",
    OfTicket: "ticket",
    OfAccount: "account",
    Everything: "everything",
}


def _ids(scope: Scope) -> dict[str, str]:
    match scope:
        case OfEngineer(engineer=engineer):
            return {"engineer": engineer}
        case OfTicket(ticket_id=ticket_id):
            return {"ticket": ticket_id}
        case OfAccount(account_id=account_id):
            return {"account": account_id}
        case Everything():
            return {}


def _accounts(written: _Written) -> Iterable[AccountId]:
    concerned = dict.fromkeys(session.account_id for session in written.sessions.values())
    return dict.fromkeys([*concerned, *written.denying])


def _counts(revoked: Revoked) -> dict[str, Detail]:
    return {
        "grants": revoked.grants,
        "sessions": len(revoked.sessions),
        "accounts": len(revoked.accounts),
        "pending": len(revoked.pending),
    }
