"""What ends access: on paper, and then in the accounts."""

from __future__ import annotations

from dataclasses import dataclass

from broker.services.ambient import utc_now
from broker.services.ending import Ending
from broker.services.enforcing import Enforcing
from broker.services.reconcile import Reconcile
from broker.services.revoking import Revoking
from broker.services.session_ends import SessionEnds
from broker.wiring.foundation import Foundation


@dataclass(frozen=True, slots=True, kw_only=True)
class Revocation:
    """Everything that ends sessions."""

    ending: Ending
    ends: SessionEnds
    enforcing: Enforcing
    revoking: Revoking


def build_revocation(base: Foundation, reconcile: Reconcile) -> Revocation:
    """All of it, on one foundation."""
    store = base.store
    ends = SessionEnds(
        journal=store.journal,
        accounts=store.accounts,
        sessions=store.sessions,
        longest_session=base.policy.longest_session,
        clock=utc_now,
    )
    enforcing = Enforcing(reconcile=reconcile, ends=ends)
    return Revocation(
        ending=Ending(
            journal=store.journal,
            grants=store.grants,
            sessions=store.sessions,
            ends=ends,
            enforcing=enforcing,
            clock=utc_now,
        ),
        ends=ends,
        enforcing=enforcing,
        revoking=Revoking(sessions=store.sessions, gate=base.gate, ends=ends, enforcing=enforcing),
    )
