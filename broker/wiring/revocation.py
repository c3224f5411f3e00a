"""What ends access: on paper, and then in the accounts."""

from __future__ import annotations

import time
from dataclasses import dataclass

from broker.aws.probe import HarmlessCalls
from broker.services.ambient import utc_now
from broker.services.lifecycle.reconcile import Reconcile
from broker.services.revocation.ending import Ending
from broker.services.revocation.enforcing import Enforcing
from broker.services.revocation.mass_revoking import RevokeMany
from broker.services.revocation.probing import Probing
from broker.services.revocation.revoking import Revoking
from broker.services.revocation.session_ends import SessionEnds
from broker.services.revocation.twins import Twins
from broker.wiring.foundation import Foundation


@dataclass(frozen=True, slots=True, kw_only=True)
class Revocation:
    """Everything that ends sessions."""

    ending: Ending
    ends: SessionEnds
    many: RevokeMany
    probing: Probing
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
    ending = Ending(
        journal=store.journal,
        grants=store.grants,
        sessions=store.sessions,
        ends=ends,
        enforcing=enforcing,
        clock=utc_now,
    )
    many = RevokeMany(
        journal=store.journal,
        accounts=store.accounts,
        grants=store.grants,
        gate=base.gate,
        ending=ending,
        ends=ends,
        enforcing=enforcing,
        clock=utc_now,
    )
    return Revocation(
        ending=ending,
        ends=ends,
        many=many,
        probing=_probing(base, ends),
        revoking=Revoking(
            accounts=store.accounts,
            sessions=store.sessions,
            gate=base.gate,
            ends=ends,
            enforcing=enforcing,
            many=many,
        ),
    )


def _probing(base: Foundation, ends: SessionEnds) -> Probing:
    return Probing(
        accounts=base.store.accounts,
        sessions=base.store.sessions,
        agenda=base.store.agenda,
        ends=ends,
        twins=Twins(
            journal=base.store.journal,
            own_access=base.own_access,
            probe=HarmlessCalls(base.clients),
            clock=utc_now,
        ),
        clock=utc_now,
        entropy=base.entropy,
        sleep=time.sleep,
    )
