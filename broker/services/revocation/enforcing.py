"""Bringing what was revoked into the accounts at once, instead of when the worker comes by."""

from __future__ import annotations

import contextvars
from collections.abc import Collection, Iterable
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import timedelta

import structlog

from broker.domain.accounts import Account
from broker.domain.identifiers import AccountId, SessionId
from broker.domain.sessions import Session
from broker.errors import Conflict, DependencyUnavailable, StoreUnavailable
from broker.services.calls import Call
from broker.services.lifecycle.reconcile import Depth, Reconcile
from broker.services.revocation.session_ends import SessionEnds

PATIENCE = timedelta(seconds=20)
"""How long a revocation waits for another pass over the account to end."""

AT_ONCE = 8
"""Accounts that are worked on side by side, for one request."""

WAITS = timedelta(seconds=30)
"""How long a request that concerns several accounts waits for them; the worker does the rest."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Enforcing:
    """Quick passes over accounts in which something was revoked, and the note that it stands."""

    reconcile: Reconcile
    ends: SessionEnds

    def account(self, account_id: AccountId, call: Call) -> Account:
        """The account, once what its record wants stands in it.

        Raises DependencyUnavailable (`revocation_pending`) where AWS does not take it: then it is
        written down, and the worker tries until it is done. Raises Conflict
        (`reconciliation_running`) where another pass takes very long.
        """
        account = self.reconcile.run(account_id, call, depth=Depth.QUICK, patience=PATIENCE)
        if account.failures:
            raise still_pending(account.last_error or "")
        return account

    def sessions(
        self, account_id: AccountId, session_ids: Collection[SessionId], call: Call
    ) -> tuple[Session, ...]:
        """The sessions, revoked before, once their Deny stands. Raises like `account`."""
        self.account(account_id, call)
        return self.ends.denied(account_id, session_ids, call)

    def wherever(self, sessions: Iterable[Session], call: Call) -> tuple[Session, ...]:
        """The sessions, of any accounts, after an attempt to have each denied.

        Where AWS does not take it in time they stay as they were written, and the worker goes on.
        Raises StoreUnavailable.
        """
        known = {session.session_id: session for session in sessions}
        waiting: dict[AccountId, list[SessionId]] = {}
        for session in known.values():
            if session.denied_at is None:
                waiting.setdefault(session.account_id, []).append(session.session_id)
        for account_id in self.everywhere(waiting, call):
            denied = self.ends.denied(account_id, waiting[account_id], call)
            known.update({session.session_id: session for session in denied})
        return tuple(known.values())

    def everywhere(self, account_ids: Collection[AccountId], call: Call) -> frozenset[AccountId]:
        """Those of the accounts that took it in time. Raises like `wherever`."""
        if len(account_ids) < 2:
            return frozenset(each for each in account_ids if self._takes(each, call))
        pool = ThreadPoolExecutor(max_workers=AT_ONCE, thread_name_prefix="enforcing")
        attempts = {
            pool.submit(contextvars.copy_context().run, self._takes, account_id, call): account_id
            for account_id in account_ids
        }
        done, late = wait(attempts, timeout=WAITS.total_seconds())
        pool.shutdown(wait=False, cancel_futures=True)
        _log.info("revocations_enforced", accounts=len(done), left_to_worker=len(late))
        return frozenset(attempts[attempt] for attempt in done if attempt.result())

    def _takes(self, account_id: AccountId, call: Call) -> bool:
        try:
            self.account(account_id, call)
        except StoreUnavailable:
            raise
        except (Conflict, DependencyUnavailable) as e:
            _log.warning("revocation_pending", account=account_id, code=e.code)
            return False
        return True


def still_pending(why: str) -> DependencyUnavailable:
    """It is written down, and nothing more can be said yet."""
    return DependencyUnavailable(
        "It is written down, and no new session opens where that matters, but AWS has not "
        f"taken it yet: {why} It is tried again by itself.",
        code="revocation_pending",
    )
